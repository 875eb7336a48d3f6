# Hello world, the sender: put one greeting into a queue.
#
#   ruby 1_hello_send.rb [greeting]

require "bunny"

greeting = ARGV.empty? ? "Hello, hare!" : ARGV.join(" ")

connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel

# Whoever comes first makes the queue; for the second one, declaring it again changes nothing.
queue = channel.queue("greetings", durable: true)

# The exchange without a name hands a message to the queue whose name is the routing key.
channel.default_exchange.publish(greeting, routing_key: queue.name)
puts "sent: #{greeting}"
connection.close
