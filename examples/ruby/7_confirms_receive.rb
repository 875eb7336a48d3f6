# Publisher confirms, the warehouse: pack the orders.
#
#   ruby 7_confirms_receive.rb

require "bunny"

$stdout.sync = true
connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel
queue = channel.queue("orders", durable: true)
channel.prefetch(10)

# The block runs on a thread of its own.  On Ctrl-C that thread finishes the order in hand and
# ends; then subscribe returns.
trap("INT") { channel.work_pool.shutdown }

puts "waiting for orders, Ctrl-C ends"
queue.subscribe(manual_ack: true, block: true) do |delivery, _properties, body|
  puts "packed: #{body}"
  channel.ack(delivery.delivery_tag)
end
connection.close
puts "bye"
