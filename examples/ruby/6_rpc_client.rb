# Remote procedure call, the client: have a number taken apart by the server.
#
#   ruby 6_rpc_client.rb [number]

require "bunny"
require "securerandom"
require "timeout"

PATIENCE_S = 10
number = ARGV.fetch(0, "360")

connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel
replies = channel.queue("", exclusive: true)
mark = SecureRandom.uuid

# Deliveries come in on another thread; a Ruby queue carries the answer over to this one.
answers = Thread::Queue.new
replies.subscribe(manual_ack: true) do |delivery, properties, body|
  channel.ack(delivery.delivery_tag)
  answers << body if properties.correlation_id == mark
end

channel.default_exchange.publish(
  number,
  routing_key: "factors",
  reply_to: replies.name,
  correlation_id: mark,
  # An expired question is not asked: nobody waits for its answer any more.
  expiration: (PATIENCE_S * 1000).to_s
)

begin
  answer = Timeout.timeout(PATIENCE_S) { answers.pop }
  puts "#{number} = #{answer}"
rescue Timeout::Error
  abort "no answer in #{PATIENCE_S} s: is 6_rpc_server running?"
ensure
  connection.close
end
