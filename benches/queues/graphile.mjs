// graphile.mjs fill MESSAGES | work CONNECTIONS [tuned] | publish CHANNELS: graphile-worker on PostgreSQL ($PG_URL), messages to $SINK_URL.
import { deliver, fill, publish, require } from './deliver.mjs';
const { run, makeWorkerUtils, Logger } = require('graphile-worker');
const connectionString = process.env.PG_URL;
const [mode, number, how] = process.argv.slice(2);
if (mode === 'work') {
  const connections = Number(number);
  const task = deliver(connections);
  // Its own measurements set it so: a stock of jobs fetched at a time, ends written many at a time. And no line for each job.
  const worker = { concurrentJobs: connections, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
  const quiet = new Logger(() => (level, message) => ['error', 'warning'].includes(level) && console.error(message));
  const tuned = how === 'tuned' ? { logger: quiet, preset: { worker } } : {};
  await run({ connectionString, concurrency: connections, taskList: { deliver: task }, ...tuned });
} else {
  const utils = await makeWorkerUtils({ connectionString });
  const add = (messages) => utils.addJobs(messages.map((payload) => ({ identifier: 'deliver', payload, maxAttempts: 25 })));
  await utils.migrate();
  await (mode === 'fill' ? fill(Number(number), add) : publish(Number(number), add));
  await utils.release();
}
