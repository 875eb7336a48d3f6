# What Bunny does with a broker: one story per process.
#
#   AMQP_URL=... ruby bunny_stories.rb story
#
# A story that is not as it should be raises, so the exit status is not 0.  test_bunny.py runs them.

require "bunny"
require "securerandom"
require "timeout"

PATIENCE_S = 20
URL = ENV.fetch("AMQP_URL")

def expect(expected, actual)
  raise "expected #{expected.inspect}, got #{actual.inspect}" unless expected == actual
end

def expect_error(kind)
  yield
rescue kind => error
  error
else
  raise "expected #{kind}, nothing was raised"
end

# Thread::Queue's own timeout came with Ruby 3.2.
def pop(inbox)
  Timeout.timeout(PATIENCE_S) { inbox.pop }
end

def wait_until
  Timeout.timeout(PATIENCE_S) { sleep 0.01 until yield }
end

def connect(**options)
  connection = Bunny.new(URL, **options)
  connection.start
  yield connection, connection.create_channel
ensure
  connection&.close
end

def name
  "bunny.#{SecureRandom.hex(6)}"
end

module Stories
  module_function

  def declare
    connect do |_connection, channel|
      queue = channel.queue(name, durable: true)
      expect(0, queue.message_count)
      queue.publish("one", persistent: true)
      wait_until { queue.message_count == 1 }
      expect(0, queue.consumer_count)
      expect(1, queue.delete.message_count)
      anonymous = channel.queue("", exclusive: true)
      expect(true, anonymous.name.start_with?("amq.gen-"))
    end
  end

  def confirms
    connect do |_connection, channel|
      channel.confirm_select
      queue = channel.queue(name, exclusive: true)
      300.times { |number| queue.publish(number.to_s, persistent: true) }
      expect(true, channel.wait_for_confirms)
      expect(true, channel.unconfirmed_set.empty?)
      expect(300, queue.message_count)
    end
  end

  def properties
    connect do |_connection, channel|
      queue = channel.queue(name, exclusive: true)
      headers = { "s" => "ü".b, "i" => -5, "l" => 2**40, "f" => 1.5, "b" => true, "n" => nil,
                  "a" => [1, { "x" => "y" }] }
      queue.publish("x", headers: headers, priority: 3, message_id: "m", type: "t", app_id: "a",
                         user_id: "guest", content_type: "text/plain", timestamp: 1_700_000_000)
      _delivery, properties, body = queue.pop
      expect(["x", headers, 3], [body, properties.headers, properties.priority])
      expect(%w[m t a guest], [properties.message_id, properties.type, properties.app_id,
                               properties.user_id])
      expect(1_700_000_000, properties.timestamp.to_i)
    end
  end

  def prefetch
    connect do |_connection, channel|
      channel.prefetch(2)
      queue = channel.queue(name, exclusive: true)
      5.times { |number| queue.publish(number.to_s) }
      inbox = Thread::Queue.new
      consumer = queue.subscribe(manual_ack: true) { |delivery, _p, body| inbox << [delivery, body] }
      first = pop(inbox)
      second = pop(inbox)
      expect(3, queue.message_count)
      expect(%w[0 1], [first[1], second[1]])
      channel.ack(second[0].delivery_tag, true)
      third = pop(inbox)
      fourth = pop(inbox)
      channel.ack(third[0].delivery_tag)
      expect("4", pop(inbox)[1])
      channel.nack(fourth[0].delivery_tag, false, false)
      consumer.cancel
    end
  end

  def requeue
    connect do |_connection, channel|
      queue = channel.queue(name, exclusive: true)
      queue.publish("x")
      delivery, = queue.pop(manual_ack: true)
      expect(false, delivery.redelivered?)
      channel.reject(delivery.delivery_tag, true)
      delivery, = queue.pop(manual_ack: true)
      expect(true, delivery.redelivered?)
      channel.reject(delivery.delivery_tag, false)
      expect([nil, nil, nil], queue.pop)
    end
  end

  def rpc
    connect do |connection, channel|
      questions = channel.queue(name, exclusive: true)
      server = connection.create_channel
      server.queue(questions.name, exclusive: true).subscribe do |_delivery, asked, body|
        server.default_exchange.publish(body.upcase, routing_key: asked.reply_to,
                                                     correlation_id: asked.correlation_id)
      end
      [channel.queue("", exclusive: true).name, "amq.rabbitmq.reply-to"].each do |reply_to|
        answers = Thread::Queue.new
        consumer = Bunny::Consumer.new(channel, reply_to, channel.generate_consumer_tag, true)
        consumer.on_delivery { |_delivery, got, body| answers << [got.correlation_id, body] }
        channel.basic_consume_with(consumer)
        questions.publish("what?", reply_to: reply_to, correlation_id: "q")
        expect(["q", "WHAT?"], pop(answers))
      end
    end
  end

  def topics
    connect do |_connection, channel|
      exchange = channel.topic(name, auto_delete: true)
      queue = channel.queue("", exclusive: true)
      queue.bind(exchange, routing_key: "a.*.c").bind(exchange, routing_key: "#.end")
      %w[a.b.c a.c end x.y.end end.x].each { |key| exchange.publish(key, routing_key: key) }
      expect(%w[a.b.c end x.y.end], Array.new(4) { queue.pop[2] }.compact)
    end
  end

  def headers
    connect do |_connection, channel|
      exchange = channel.headers(name, auto_delete: true)
      queue = channel.queue("", exclusive: true)
      queue.bind(exchange, arguments: { "x-match" => "all", "kind" => "pdf", "pages" => 3 })
      exchange.publish("both", headers: { "kind" => "pdf", "pages" => 3 })
      exchange.publish("one", headers: { "kind" => "pdf" })
      exchange.publish("none")
      expect(["both", nil], [queue.pop[2], queue.pop[2]])
    end
  end

  def exchanges
    connect do |_connection, channel|
      from = channel.direct("#{name}.from", auto_delete: true)
      to = channel.fanout("#{name}.to", auto_delete: true)
      to.bind(from, routing_key: "key")
      queue = channel.queue("", exclusive: true).bind(to)
      from.publish("through", routing_key: "key")
      expect("through", queue.pop[2])
      to.unbind(from, routing_key: "key")
    end
  end

  def mandatory
    connect do |_connection, channel|
      channel.confirm_select
      returned = Thread::Queue.new
      exchange = channel.default_exchange
      exchange.on_return { |info, _p, body| returned << [info.reply_code, info.routing_key, body] }
      nowhere = name
      exchange.publish("lost?", routing_key: nowhere, mandatory: true)
      expect([312, nowhere, "lost?"], pop(returned))
      expect(true, channel.wait_for_confirms)
    end
  end

  def cancel_notify
    connect do |connection, channel|
      queue = channel.queue(name)
      cancelled = Thread::Queue.new
      consumer = Bunny::Consumer.new(channel, queue, channel.generate_consumer_tag)
      consumer.on_cancellation { |cancel| cancelled << cancel.consumer_tag }
      queue.subscribe_with(consumer)
      connection.create_channel.queue_delete(queue.name)
      expect(consumer.consumer_tag, pop(cancelled))
    end
  end

  def transaction
    connect do |_connection, channel|
      queue = channel.queue(name, exclusive: true)
      channel.tx_select
      queue.publish("undone")
      channel.tx_rollback
      queue.publish("done")
      expect(0, queue.message_count)
      channel.tx_commit
      expect(["done", nil], [queue.pop[2], queue.pop[2]])
    end
  end

  def heartbeat
    connect(heartbeat: 1) do |connection, channel|
      expect(1, connection.heartbeat)
      sleep 2.5 # in silence for more than twice the interval, then all is as it was
      expect(true, connection.open?)
      expect(0, channel.queue("", exclusive: true).message_count)
    end
  end

  def channel_error
    connect do |connection, channel|
      missing = name
      error = expect_error(Bunny::NotFound) { channel.queue(missing, passive: true) }
      expect("NOT_FOUND - no queue '#{missing}' in vhost '/'", error.channel_close.reply_text)
      other = connection.create_channel
      other.queue(missing, exclusive: true)
      # On a channel of its own: Bunny remembers what a channel has declared.
      third = connection.create_channel
      expect_error(Bunny::PreconditionFailed) do
        third.queue(missing, exclusive: true, auto_delete: true)
      end
      expect(true, connection.open?)
      connection.create_channel.queue_delete(missing)
    end
  end

  def large
    connect do |_connection, channel|
      queue = channel.queue(name, exclusive: true)
      body = "0123456789" * 100_000
      queue.publish(body)
      expect(true, queue.pop[2] == body)
    end
  end

  def logins
    error = expect_error(Bunny::AuthenticationFailureError) { Bunny.new(URL, password: "wrong").start }
    expect("guest", error.username)
    expect_error(Bunny::NotAllowedError) { Bunny.new(URL, vhost: "nowhere").start }
  end

  # The test waits for "ready" and then restarts the broker.
  def recovery
    connect(network_recovery_interval: 0.1) do |connection, channel|
      queue = channel.queue(name, durable: true)
      inbox = Thread::Queue.new
      queue.subscribe { |_delivery, _properties, body| inbox << body }
      # A topology of all kinds, each of which must be made again without our doing.
      source = channel.topic("#{name}.x", auto_delete: true)
      relay = channel.fanout("#{name}.y", auto_delete: true).bind(source, routing_key: "jobs.#")
      own = channel.queue("", exclusive: true).bind(relay)
      jobs = Thread::Queue.new
      own.subscribe(manual_ack: true) do |delivery, _properties, body|
        channel.ack(delivery.delivery_tag)
        jobs << body
      end
      # Not before: what this thread sends would come between the frames of the one that recovers.
      back = Thread::Queue.new
      connection.after_recovery_completed { back << true }
      puts "ready"
      pop(back)
      queue.publish("back")
      expect("back", pop(inbox))
      source.publish("a job", routing_key: "jobs.now")
      expect("a job", pop(jobs))
      queue.delete
    end
  end
end

$stdout.sync = true
Stories.public_send(ARGV.fetch(0))
