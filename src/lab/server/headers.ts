/** What every answer says of how it may be used. */
import { sandboxPath } from '../offer.js';
import { sandboxPolicy } from './sandboxFrame.js';

/** The page: its own scripts, styles, workers and files; pictures also from its memory. Nothing inline, nothing of others. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "worker-src 'self'",
  // The frame that user code runs in.
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The headers of an answer at this path, also of one that says no. */
export const guarding = (path: string): Readonly<Record<string, string>> => ({
  'content-security-policy': path === sandboxPath ? sandboxPolicy : pagePolicy,
  // Both together isolate the page, so that its threads may share memory.
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), display-capture=(), usb=(), serial=(), hid=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
});
