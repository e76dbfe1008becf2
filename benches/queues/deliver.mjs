// What the queues of Node have in common: one POST a message to the receiver, and a message on every channel for each line that is read.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
export const require = createRequire(process.env.RIVALS_NODE + '/');
const { Agent, request } = require('undici');
const text = 'x'.repeat(300);

export const deliver = (connections) => {
  const dispatcher = new Agent({ connections, pipelining: 1 });
  return async ({ id, channel }) => {
    const { statusCode, body } = await request(`${process.env.SINK_URL}/${channel}`, {
      method: 'POST', dispatcher, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ id, body: text }),
    });
    await body.dump();
    if (statusCode >= 300) throw new Error(`status ${statusCode}`);
  };
};

// Many, in steps that either takes.
export const fill = async (messages, add) => {
  const step = 1000;
  for (let n = 0; n < messages; n += step) {
    const length = Math.min(step, messages - n);
    await add(Array.from({ length }, (_, k) => ({ id: `m${n + k}`, channel: 0 })));
  }
};

// Prints when each began: CLOCK_MONOTONIC, ns.
export const publish = async (channels, add) => {
  let n = 0;
  for await (const _ of createInterface({ input: process.stdin })) {
    const begin = process.hrtime.bigint();
    n += 1;
    await add(Array.from({ length: channels }, (_, channel) => ({ id: `p${n}-${channel}`, channel })));
    console.log(String(begin));
  }
};
