// What amqplib does with a broker: one story per process.
//
//   AMQP_URL=... NODE_PATH=.../node_modules node amqplib_stories.js story
//
// A story that is not as it should be throws, so the exit status is not 0.  test_amqplib.py runs them.

'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const amqplib = require('amqplib');

const URL_OF_BROKER = process.env.AMQP_URL;

const newName = () => `amqplib.${randomUUID()}`;
const textOf = (message) => (message ? message.content.toString() : message);

async function connected(story, query = '') {
  const connection = await amqplib.connect(URL_OF_BROKER + query);
  try {
    await story(connection, await connection.createChannel());
  } finally {
    await connection.close();
  }
}

// An array of what was delivered, with a way to wait until there are so many.
async function consume(channel, queue, options) {
  const inbox = [];
  let arrived = () => {};
  const { consumerTag } = await channel.consume(queue, (message) => {
    inbox.push(message);
    arrived();
  }, options);
  const until = async (count) => {
    while (inbox.length < count) {
      await new Promise((resolve) => { arrived = resolve; });
    }
  };
  return { inbox, until, consumerTag };
}

const stories = {
  async declare() {
    await connected(async (_connection, channel) => {
      const queue = newName();
      const declared = await channel.assertQueue(queue, { durable: true });
      assert.deepEqual(declared, { queue, messageCount: 0, consumerCount: 0 });
      await channel.assertQueue(queue, { durable: true });
      channel.sendToQueue(queue, Buffer.from('x'), { persistent: true });
      assert.equal((await channel.checkQueue(queue)).messageCount, 1);
      assert.equal((await channel.deleteQueue(queue)).messageCount, 1);
      assert.match((await channel.assertQueue('', { exclusive: true })).queue, /^amq\.gen-/);
    });
  },

  async confirms() {
    await connected(async (connection) => {
      const channel = await connection.createConfirmChannel();
      const { queue } = await channel.assertQueue(newName(), { exclusive: true });
      for (let number = 0; number < 300; number += 1) {
        channel.sendToQueue(queue, Buffer.from(String(number)), { persistent: true });
      }
      await channel.waitForConfirms();
      assert.equal((await channel.checkQueue(queue)).messageCount, 300);
    });
  },

  async properties() {
    await connected(async (_connection, channel) => {
      const { queue } = await channel.assertQueue(newName(), { exclusive: true });
      const headers = { s: 'ü', i: -5, l: 2 ** 40, d: 1.5, b: true, n: null, a: [1, { x: 'y' }] };
      const properties = {
        headers, priority: 3, messageId: 'm', type: 't', appId: 'a', userId: 'guest',
        contentType: 'text/plain', contentEncoding: 'utf-8', correlationId: 'c', replyTo: 'r',
        timestamp: 1700000000, expiration: '60000', deliveryMode: 2,
      };
      channel.sendToQueue(queue, Buffer.from('x'), properties);
      const got = await channel.get(queue, { noAck: true });
      assert.deepEqual({ ...got.properties.headers }, headers);
      for (const key of Object.keys(properties).filter((each) => each !== 'headers')) {
        assert.equal(got.properties[key], properties[key], key);
      }
    });
  },

  async prefetch() {
    await connected(async (_connection, channel) => {
      await channel.prefetch(2);
      const { queue } = await channel.assertQueue(newName(), { exclusive: true });
      for (const body of ['0', '1', '2', '3', '4']) channel.sendToQueue(queue, Buffer.from(body));
      const { inbox, until, consumerTag } = await consume(channel, queue);
      await until(2);
      assert.equal((await channel.checkQueue(queue)).messageCount, 3);
      assert.equal(inbox.length, 2);
      channel.ack(inbox[1], true);
      await until(4);
      channel.nack(inbox[2], false, false);
      await until(5);
      channel.ackAll();
      assert.deepEqual(inbox.map(textOf), ['0', '1', '2', '3', '4']);
      await channel.cancel(consumerTag);
    });
  },

  async requeue() {
    await connected(async (_connection, channel) => {
      const { queue } = await channel.assertQueue(newName(), { exclusive: true });
      channel.sendToQueue(queue, Buffer.from('x'));
      const first = await channel.get(queue);
      assert.equal(first.fields.redelivered, false);
      channel.reject(first, true);
      const second = await channel.get(queue);
      assert.equal(second.fields.redelivered, true);
      channel.reject(second, false);
      assert.equal(await channel.get(queue), false);
      await channel.recover();
    });
  },

  async rpc() {
    await connected(async (_connection, channel) => {
      const { queue } = await channel.assertQueue(newName(), { exclusive: true });
      await channel.consume(queue, ({ content, properties }) => {
        const answer = Buffer.from(content.toString().toUpperCase());
        channel.sendToQueue(properties.replyTo, answer, { correlationId: properties.correlationId });
      }, { noAck: true });
      const { queue: own } = await channel.assertQueue('', { exclusive: true });
      for (const replyTo of [own, 'amq.rabbitmq.reply-to']) {
        const { inbox, until } = await consume(channel, replyTo, { noAck: true });
        channel.sendToQueue(queue, Buffer.from('what?'), { replyTo, correlationId: 'q' });
        await until(1);
        assert.deepEqual([textOf(inbox[0]), inbox[0].properties.correlationId], ['WHAT?', 'q']);
      }
    });
  },

  async topics() {
    await connected(async (_connection, channel) => {
      const { queue } = await channel.assertQueue('', { exclusive: true });
      const { exchange } = await channel.assertExchange(newName(), 'topic', { autoDelete: true });
      await channel.bindQueue(queue, exchange, 'a.*.c');
      await channel.bindQueue(queue, exchange, '#.end');
      const keys = ['a.b.c', 'a.c', 'end', 'x.y.end', 'end.x'];
      for (const key of keys) channel.publish(exchange, key, Buffer.from(key));
      const { inbox, until } = await consume(channel, queue, { noAck: true });
      await until(3);
      assert.deepEqual(inbox.map(textOf), ['a.b.c', 'end', 'x.y.end']);
    });
  },

  async headers() {
    await connected(async (_connection, channel) => {
      const { queue } = await channel.assertQueue('', { exclusive: true });
      const { exchange } = await channel.assertExchange(newName(), 'headers', { autoDelete: true });
      await channel.bindQueue(queue, exchange, '', { 'x-match': 'all', kind: 'pdf', pages: 3 });
      const send = (body, headers) => channel.publish(exchange, '', Buffer.from(body), { headers });
      send('both', { kind: 'pdf', pages: 3 });
      send('one', { kind: 'pdf' });
      send('none', {});
      assert.equal(textOf(await channel.get(queue, { noAck: true })), 'both');
      assert.equal(await channel.get(queue, { noAck: true }), false);
    });
  },

  async exchanges() {
    await connected(async (_connection, channel) => {
      const { exchange: from } = await channel.assertExchange(newName(), 'direct', { autoDelete: true });
      const { exchange: to } = await channel.assertExchange(newName(), 'fanout', { autoDelete: true });
      const { queue } = await channel.assertQueue('', { exclusive: true });
      await channel.bindExchange(to, from, 'key');
      await channel.bindQueue(queue, to, '');
      channel.publish(from, 'key', Buffer.from('through'));
      assert.equal(textOf(await channel.get(queue, { noAck: true })), 'through');
      await channel.unbindExchange(to, from, 'key');
    });
  },

  async mandatory() {
    await connected(async (connection) => {
      const channel = await connection.createConfirmChannel();
      const seen = [];
      channel.on('return', (message) => seen.push([message.fields.replyCode, textOf(message)]));
      channel.publish('', newName(), Buffer.from('lost?'), { mandatory: true });
      await channel.waitForConfirms();
      assert.deepEqual(seen, [[312, 'lost?']]);
    });
  },

  async cancelNotify() {
    await connected(async (_connection, channel) => {
      const { queue } = await channel.assertQueue(newName());
      const { inbox, until } = await consume(channel, queue);
      await channel.deleteQueue(queue);
      await until(1);
      assert.deepEqual(inbox, [null]); // amqplib's way to say it
    });
  },

  async heartbeat() {
    await connected(async (_connection, channel) => {
      await sleep(2500); // in silence for more than twice the interval, then all is as it was
      await channel.assertQueue('', { exclusive: true });
    }, '?heartbeat=1');
  },

  async channelError() {
    await connected(async (connection, channel) => {
      const queue = newName();
      const failed = once(channel, 'error');
      await assert.rejects(channel.checkQueue(queue), { code: 404 });
      const [error] = await failed;
      assert.match(error.message, new RegExp(`NOT_FOUND - no queue '${queue}' in vhost '/'`));
      const second = await connection.createChannel();
      second.on('error', () => {});
      await second.assertQueue(queue, { exclusive: true });
      await assert.rejects(second.assertQueue(queue, { exclusive: true, autoDelete: true }), { code: 406 });
      await (await connection.createChannel()).deleteQueue(queue);
    });
  },

  // A limit of the client's own, the least that RabbitMQ 4 takes, and "no opinion" (0).
  async frameMax() {
    for (const query of ['', '?frameMax=8192', '?frameMax=0', '?frameMax=4294967295&channelMax=0']) {
      await connected(async (_connection, channel) => {
        const { queue } = await channel.assertQueue('', { exclusive: true });
        const body = Buffer.alloc(300_000, 'abc');
        channel.sendToQueue(queue, body, { headers: { long: 'x'.repeat(6000) } });
        const got = await channel.get(queue, { noAck: true });
        assert.ok(got.content.equals(body), query);
        assert.equal(got.properties.headers.long.length, 6000);
      }, query);
    }
  },

  async logins() {
    const other = new URL(URL_OF_BROKER);
    other.password = 'wrong';
    await assert.rejects(amqplib.connect(other.href), /403 \(ACCESS-REFUSED\)/);
    const nowhere = new URL(URL_OF_BROKER);
    nowhere.pathname = '/nowhere';
    await assert.rejects(amqplib.connect(nowhere.href), /ConnectionClose channel:0/);
  },

  // The test waits for "ready", restarts the broker, and then makes the file whose name is in SIGN.
  async recovery() {
    const first = await amqplib.connect(URL_OF_BROKER);
    first.on('error', () => {});
    const closed = once(first, 'close');
    console.log('ready');
    const [reason] = await closed;
    assert.match(reason.message, /320 \(CONNECTION-FORCED\)/);
    while (!fs.existsSync(process.env.SIGN)) await sleep(20);
    await stories.confirms();
  },
};

stories[process.argv[2]]().catch((error) => {
  console.error(error);
  process.exit(1);
});
