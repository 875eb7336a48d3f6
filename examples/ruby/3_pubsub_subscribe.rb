# Publish/subscribe, a listener: print each bulletin that is broadcast while it listens.
#
#   ruby 3_pubsub_subscribe.rb

require "bunny"

$stdout.sync = true
connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel
weather = channel.fanout("weather", durable: true)

# A queue of our own: the broker picks its name and removes it when this connection ends.
queue = channel.queue("", exclusive: true).bind(weather)

# The block runs on a thread of its own.  On Ctrl-C that thread finishes the bulletin in hand and
# ends; then subscribe returns.
trap("INT") { channel.work_pool.shutdown }

puts "listening to the weather, Ctrl-C ends"
queue.subscribe(manual_ack: true, block: true) do |delivery, _properties, body|
  puts "heard: #{body}"
  channel.ack(delivery.delivery_tag)
end
connection.close
puts "bye"
