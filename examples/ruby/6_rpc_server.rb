# Remote procedure call, the server: answer each number with its prime factors.
#
#   ruby 6_rpc_server.rb

require "bunny"

def factors(number)
  found = []
  divisor = 2
  while divisor * divisor <= number
    if (number % divisor).zero?
      found << divisor
      number /= divisor
    else
      divisor += 1
    end
  end
  found << number
end

$stdout.sync = true
connection = Bunny.new(ENV.fetch("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
connection.start
channel = connection.create_channel
queue = channel.queue("factors", durable: true)
channel.prefetch(1) # servers share the load: each takes a request when it is free

# The block runs on a thread of its own.  On Ctrl-C that thread finishes the question in hand and
# ends; then subscribe returns.
trap("INT") { channel.work_pool.shutdown }

puts "waiting for numbers, Ctrl-C ends"
queue.subscribe(manual_ack: true, block: true) do |delivery, properties, body|
  number = Integer(body, exception: false)
  answer = number ? factors(number).join(" x ") : "not a number"
  puts "asked for #{body}, answers #{answer}"
  # The caller said where it waits, and by which mark it knows the answer again.
  channel.default_exchange.publish(
    answer,
    routing_key: properties.reply_to,
    correlation_id: properties.correlation_id
  )
  channel.ack(delivery.delivery_tag)
end
connection.close
puts "bye"
