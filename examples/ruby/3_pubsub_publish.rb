# Publish/subscribe, the station: broadcast a weather bulletin to whoever listens.
#
#   ruby 3_pubsub_publish.rb [bulletin]

require "bunny"

bulletin = ARGV.empty? ? "Sunny, a light breeze from the west." : ARGV.join(" ")

connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel

# A fanout exchange copies to every queue bound to it; without listeners the bulletin is lost.
channel.fanout("weather", durable: true).publish(bulletin)
puts "broadcast: #{bulletin}"
connection.close
