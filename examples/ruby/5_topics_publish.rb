# Topics, the press agency: send a story under "continent.country.subject".
#
#   ruby 5_topics_publish.rb [topic] [story]

require "bunny"

topic = ARGV.fetch(0, "europe.norway.sports")
story = ARGV.length > 1 ? ARGV.drop(1).join(" ") : "The ski season has begun."

connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel
channel.topic("news", durable: true).publish(story, routing_key: topic)
puts "wired #{topic}: #{story}"
connection.close
