# Hello world, the receiver: print each greeting that arrives.
#
#   ruby 1_hello_receive.rb

require "bunny"

$stdout.sync = true
connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel
queue = channel.queue("greetings", durable: true)

# The block runs on a thread of its own.  On Ctrl-C that thread finishes the message in hand and
# ends; then subscribe returns.
trap("INT") { channel.work_pool.shutdown }

puts "waiting for greetings, Ctrl-C ends"
queue.subscribe(manual_ack: true, block: true) do |delivery, _properties, body|
  puts "received: #{body}"
  # Only now may the broker forget the message: had we died above, another would get it.
  channel.ack(delivery.delivery_tag)
end
connection.close
puts "bye"
