# Work queues, the client: hand over a job that takes some seconds.
#
#   ruby 2_work_send.rb [job] [seconds]

require "bunny"

job = ARGV.fetch(0, "shrink cat.png")
seconds = Integer(ARGV.fetch(1, "1"))

connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel
queue = channel.queue("jobs", durable: true)

# A durable queue survives a restart of the broker, and so do the persistent messages in it.
queue.publish(job, persistent: true, headers: { "seconds" => seconds })
puts "handed over: #{job}"
connection.close
