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

begin
  puts "watching #{severities.join(', ')}, Ctrl-C ends"
  queue.subscribe(manual_ack: true, block: true) do |delivery, _properties, body|
    puts "#{delivery.routing_key}: #{body}"
    channel.ack(delivery.delivery_tag)
  end
rescue Interrupt
  connection.close
end
puts "bye"
