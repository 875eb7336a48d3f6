# Routing, the control room: print the reports of the severities asked for.
#
#   ruby 4_routing_subscribe.rb severity...

require "bunny"

severities = ARGV.empty? ? %w[info warning error] : ARGV

$stdout.sync = true
connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel
reports = channel.direct("reports", durable: true)
queue = channel.queue("", exclusive: true)
severities.each { |severity| queue.bind(reports, routing_key: severity) }

# The block runs on a thread of its own.  On Ctrl-C that thread finishes the report in hand and
# ends; then subscribe returns.
trap("INT") { channel.work_pool.shutdown }

puts "watching #{severities.join(', ')}, Ctrl-C ends"
queue.subscribe(manual_ack: true, block: true) do |delivery, _properties, body|
  puts "#{delivery.routing_key}: #{body}"
  channel.ack(delivery.delivery_tag)
end
connection.close
puts "bye"
