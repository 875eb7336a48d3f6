# Work queues, a worker: do one job after the other.  Start as many as you like.
#
#   ruby 2_work_worker.rb

require "bunny"

$stdout.sync = true
connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel
queue = channel.queue("jobs", durable: true)

# One job at a time: a worker that is busy gets no second one while its colleague is idle.
channel.prefetch(1)

# The block runs on a thread of its own.  On Ctrl-C that thread finishes the job in hand and
# ends; then subscribe returns.
trap("INT") { channel.work_pool.shutdown }

puts "waiting for jobs, Ctrl-C ends"
queue.subscribe(manual_ack: true, block: true) do |delivery, properties, body|
  puts "begins: #{body}#{' (again)' if delivery.redelivered?}"
  sleep properties.headers["seconds"] # stands in for the real work
  puts "done: #{body}"
  channel.ack(delivery.delivery_tag)
end
connection.close
puts "bye"
