import { quoted } from './quote.js';
import type * as z from './schema.js';

/** What a schema has against a JSON value, in one line: the place, what was expected there, and what came. */
export function issueText(issue: z.core.$ZodIssue, json: unknown): string {
  const path = issue.path.map(String);
  const value = path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], json);
  const got = value === undefined ? 'nothing' : quoted(JSON.stringify(value), 40);
  const expected = issue.message.replace(/^.*: (expected [^,]*).*$/, '$1');
  return `${quoted(path.join('.') || 'the file')}: ${expected}, got ${got}`;
}
