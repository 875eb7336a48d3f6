# Routing, the machine: report something under its severity.
#
#   ruby 4_routing_publish.rb [severity] [report]

require "bunny"

severity = ARGV.fetch(0, "info")
report = ARGV.length > 1 ? ARGV.drop(1).join(" ") : "All belts are running."

connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel

# A direct exchange hands a message to the queues that were bound with exactly its routing key.
channel.direct("reports", durable: true).publish(report, routing_key: severity)
puts "reported #{severity}: #{report}"
connection.close
