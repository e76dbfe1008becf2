// bullmq.mjs fill MESSAGES | work CONNECTIONS | publish CHANNELS: BullMQ on Redis ($REDIS_PORT), messages to $SINK_URL.
import { deliver, fill, publish, require } from './deliver.mjs';
const { Queue, Worker } = require('bullmq');
const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT), maxRetriesPerRequest: null };
const [mode, number] = process.argv.slice(2);
if (mode === 'work') {
  const task = deliver(Number(number));
  new Worker('deliver', (job) => task(job.data), { connection, concurrency: Number(number) });
} else {
  const queue = new Queue('deliver', { connection });
  const opts = { attempts: 25, backoff: { type: 'exponential', delay: 1000 }, removeOnComplete: true };
  const add = (messages) => queue.addBulk(messages.map((data) => ({ name: 'deliver', data, opts })));
  await (mode === 'fill' ? fill(Number(number), add) : publish(Number(number), add));
  await queue.close();
}
