# A message's way there and back over TLS.
#
#   AMQP_URL=amqps://... CA_FILE=... [CERT=... KEY=...] ruby bunny_tls.rb
#
# What is not as it should be raises, so the exit status is not 0.  test_tls.py runs it.

require "bunny"

options = { tls_ca_certificates: [ENV.fetch("CA_FILE")], verify_peer: true }
options.update(tls_cert: ENV["CERT"], tls_key: ENV["KEY"]) if ENV["CERT"]
connection = Bunny.new(ENV.fetch("AMQP_URL"), **options)
connection.start
channel = connection.create_channel
channel.confirm_select
queue = channel.queue("", exclusive: true)
body = "x" * 200_000
queue.publish(body)
raise "not confirmed" unless channel.wait_for_confirms
_, _, got = queue.pop
raise "it came back changed" unless got == body
connection.close
