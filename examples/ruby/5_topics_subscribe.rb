# Topics, a newspaper: print the stories whose topic fits one of the patterns.
#
#   ruby 5_topics_subscribe.rb pattern...
#
# In a pattern * stands for one word and # for any number of them, none included:
# "europe.#" is all about Europe, "*.*.sports" is sports from everywhere.

require "bunny"

patterns = ARGV.empty? ? ["#"] : ARGV

$stdout.sync = true
connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel
news = channel.topic("news", durable: true)
queue = channel.queue("", exclusive: true)

# A story that fits two patterns still comes once: it goes to queues, and this is one queue.
patterns.each { |pattern| queue.bind(news, routing_key: pattern) }

# The block runs on a thread of its own.  On Ctrl-C that thread finishes the story in hand and
# ends; then subscribe returns.
trap("INT") { channel.work_pool.shutdown }

puts "reading #{patterns.join(', ')}, Ctrl-C ends"
queue.subscribe(manual_ack: true, block: true) do |delivery, _properties, body|
  puts "#{delivery.routing_key}: #{body}"
  channel.ack(delivery.delivery_tag)
end
connection.close
puts "bye"
