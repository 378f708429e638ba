/** The complete list of what the server answers: every path, and the file or text behind it. */
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { InputError } from '../../errors.js';
import { sha256File } from '../../files/hash.js';
import type { OfferedFile } from '../offer.js';

export interface Route {
  /** A file as it was when the server started, or a text. */
  readonly body: { readonly file: string; readonly modified: number } | Buffer;
  readonly bytes: number;
  readonly type: string;
  readonly sha256: string;
  /** Its name holds the hash of its content, so that it never changes. */
  readonly immutable: boolean;
}

/** By path, exactly as a request names it. */
export type Routes = Map<string, Route>;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.md': 'text/plain; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** Adds a file under a path. @throws InputError when it is none, or cannot be read */
export async function addFile(routes: Routes, path: string, file: string, immutable = false): Promise<OfferedFile> {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats?.isFile()) throw new InputError(`${file}: expected a file, got ${stats ? 'something else' : 'nothing'}`);
  const sha256 = await sha256File(file);
  const type = types[extname(file)] ?? 'application/octet-stream';
  routes.set(path, { body: { file, modified: stats.mtimeMs }, bytes: stats.size, type, sha256, immutable });
  return { name: basename(file), path, bytes: stats.size, sha256 };
}

/** Adds a text. @param kind the file name's ending that goes with it */
export function addText(routes: Routes, path: string, kind: string, text: string): void {
  const body = Buffer.from(text);
  const sha256 = createHash('sha256').update(body).digest('hex');
  routes.set(path, { body, bytes: body.length, type: types[kind]!, sha256, immutable: false });
}

/** Adds every file below a folder under its relative path; links are left alone, wherever they lead. */
export async function addFolder(routes: Routes, prefix: string, folder: string): Promise<void> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const [path, file] = [`${prefix}${entry.name}`, join(folder, entry.name)];
    if (entry.isDirectory()) await addFolder(routes, `${path}/`, file);
    // The bundler puts the hash of what is in `assets` into its names.
    else if (entry.isFile()) await addFile(routes, path, file, prefix.endsWith('/assets/'));
  }
}
