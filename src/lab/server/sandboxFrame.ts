/**
 * The document that user code runs in: a frame without an origin, so that it shares nothing with the page, which starts
 * the worker that it is handed and is not heard of again.
 */
import { createHash } from 'node:crypto';

const script = `
addEventListener('message', ({ data: { script, runtime }, ports: [port] }) => {
  const address = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  const worker = new Worker(address);
  worker.postMessage({ runtime, port }, [runtime, port]);
}, { once: true });
`;

export const sandboxFrame = `<!doctype html><title>Where your code runs</title><script>${script}</script>`;

/**
 * The worker inherits this. It may run what it is handed and load nothing; \`blob:\` is the worker itself, or what it has
 * already. \`sandbox\` takes the origin even from someone who opens the address by hand.
 */
export const sandboxPolicy = [
  'sandbox allow-scripts',
  "default-src 'none'",
  `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}' 'unsafe-eval' blob:`,
  'worker-src blob:',
  "frame-ancestors 'self'",
].join('; ');
