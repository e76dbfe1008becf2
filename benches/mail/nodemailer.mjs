// nodemailer.mjs PORT MAILS CONNECTIONS: prints the seconds from the first mail to the answer of the last.
import { createRequire } from 'node:module';
const nodemailer = createRequire(process.env.RIVALS_NODE + '/')('nodemailer');
const [port, mails, connections] = process.argv.slice(2).map(Number);
const transport = nodemailer.createTransport({
  host: '127.0.0.1', port, secure: false, ignoreTLS: true,
  pool: true, maxConnections: connections, maxMessages: Infinity,
});
const text = 'x'.repeat(1600);
let next = 0;
const worker = async () => {
  while (next < mails) {
    const to = `resident${next++}@example.net`;
    await transport.sendMail({ from: 'status@example.org', to, subject: 'Major outage', text });
  }
};
const begin = performance.now();
await Promise.all(Array.from({ length: connections * 2 }, worker));
console.log((performance.now() - begin) / 1000);
transport.close();
