/** A Hugging Face style hub on 127.0.0.1 with the parts its API has, for the tests of `pull`. */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ScriptedServer, sendFile, startServer } from '../files/scriptedServer.js';

export const commit = 'c0ffee0123456789c0ffee0123456789c0ffee01';

export interface FakeModel {
  files: Record<string, string | Buffer>;
  /** Files kept in LFS: their SHA-256 is told, and they are served by redirect. */
  lfs?: string[];
  /** Branches and tags; `main` alone unless given. */
  refs?: Record<string, string>;
}

export interface FakeHubOptions {
  /** Without it, `/api/` is not found. */
  api?: boolean;
  /** Without it, no header names the commit. */
  namesCommit?: boolean;
  /** Required of every request. */
  token?: string;
  /** Where LFS files are redirected to: another host. */
  cdn?: string;
  /** Answers instead of the hub where it returns true. */
  before?: (request: IncomingMessage, response: ServerResponse, index: number) => boolean;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex');

/** Starts a hub that serves these models. */
export function startHub(models: Record<string, FakeModel>, options: FakeHubOptions = {}): Promise<ScriptedServer> {
  const { api = true, namesCommit = true, token, cdn, before } = options;
  return startServer((request, response, index) => {
    const url = new URL(request.url ?? '', 'http://hub');
    const fail = (status: number, code?: string) =>
      void response.writeHead(status, code ? { 'x-error-code': code } : {}).end('{"error": "no"}');
    if (before?.(request, response, index)) return;
    if (token && request.headers.authorization !== `Bearer ${token}`) return fail(401);
    const path = decodeURIComponent(url.pathname);
    const [, id = '', revision = ''] =
      /^\/api\/models\/(.+)\/revision\/(.+)$/.exec(path) ?? /^\/(.+)\/resolve\/([^/]+)\//.exec(path) ?? [];
    const isApi = path.startsWith('/api/');
    if (isApi && !api) return fail(404);
    const model = models[id];
    if (!model) return fail(404, api ? 'RepoNotFound' : undefined);
    const refs = model.refs ?? { main: commit };
    const at = Object.values(refs).includes(revision) ? revision : refs[revision];
    if (at === undefined) return fail(404, api ? 'RevisionNotFound' : undefined);
    if (isApi) {
      const blobs = url.searchParams.get('blobs') === 'true';
      const siblings = Object.entries(model.files).map(([rfilename, text]) => {
        const bytes = Buffer.from(text);
        if (!blobs) return { rfilename };
        if (!model.lfs?.includes(rfilename)) return { rfilename, size: bytes.length, blobId: sha1(bytes) };
        return { rfilename, size: 134, lfs: { sha256: sha256(bytes), size: bytes.length, pointerSize: 134 } };
      });
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ id, sha: at, siblings, private: false }));
      return;
    }
    const name = path.slice(`/${id}/resolve/${revision}/`.length);
    const text = model.files[name];
    if (text === undefined) return fail(404, api ? 'EntryNotFound' : undefined);
    const bytes = Buffer.from(text);
    const headers: Record<string, string> = namesCommit ? { 'x-repo-commit': at } : {};
    if (!model.lfs?.includes(name)) return sendFile(request, response, bytes, { etag: `"${sha1(bytes)}"`, headers });
    headers['x-linked-etag'] = `"${sha256(bytes)}"`;
    headers['x-linked-size'] = String(bytes.length);
    if (cdn === undefined) return sendFile(request, response, bytes, { etag: `"${sha1(bytes)}"`, headers });
    response.writeHead(302, { ...headers, location: `${cdn}/${sha256(bytes)}?signature=secret` }).end();
  });
}

/** Another host that serves bytes by their SHA-256, as the hub's CDN does. */
export function startCdn(contents: Buffer[], breakAfter?: (index: number) => number | undefined) {
  const byHash = new Map(contents.map(bytes => [sha256(bytes), bytes]));
  return startServer((request, response, index) => {
    const bytes = byHash.get(new URL(request.url ?? '', 'http://cdn').pathname.slice(1));
    const cut = breakAfter?.(index);
    if (bytes) sendFile(request, response, bytes, { etag: `"${sha1(bytes)}"`, ...(cut && { breakAfter: cut }) });
    else response.writeHead(404).end();
  });
}

export const weights = randomBytes(200_000);
export const config = '{"model_type": "clip"}';

/** An ordinary model, with files that nobody needs. */
export const model: FakeModel = {
  files: {
    '.gitattributes': '*.safetensors filter=lfs',
    'README.md': 'A model.',
    'config.json': config,
    'merges.txt': 'a b\n',
    'onnx/model.onnx': 'graph',
    'preprocessor_config.json': '{}',
    'model.safetensors': weights,
    'pytorch_model.bin': 'the same again',
  },
  lfs: ['model.safetensors', 'pytorch_model.bin'],
};
