# Publisher confirms, the shop: go on only when the broker has taken charge of the orders.
#
#   ruby 7_confirms_publish.rb [how many]

require "bunny"

count = Integer(ARGV.fetch(0, "3"))

connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel
channel.queue("orders", durable: true)
exchange = channel.default_exchange
channel.confirm_select

# Mandatory: a message that fits no queue comes back here, before it is confirmed.
returned = []
exchange.on_return { |_info, _properties, body| returned << body }

orders = (1..count).map { |number| ["order #{number}", "orders"] }
orders << ["order for nobody", "no-such-queue"]
orders.each do |order, queue|
  exchange.publish(order, routing_key: queue, persistent: true, mandatory: true)
end

# All are on their way at once and one wait covers them: faster than a wait for each.
abort "refused, try again later" unless channel.wait_for_confirms

orders.each do |order, _queue|
  puts returned.include?(order) ? "came back: #{order}" : "safe: #{order}"
end
connection.close
