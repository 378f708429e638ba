import type { IncomingHttpHeaders } from 'node:http';
import { InputError } from '../errors.js';
import type { Expectation } from '../files/download.js';
import { quoted } from '../files/quote.js';
import * as z from '../files/schema.js';
import { type Answer, parseUrl, readBody, request, requestFailure, statusError } from '../files/transfer/http.js';
import { type RetryPolicy, withRetries } from '../files/transfer/retry.js';

/** A Hugging Face style server and how to talk to it. */
export interface Hub extends RetryPolicy {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly idleMs?: number | undefined;
}

/** What a server says of a model at one revision. */
export interface Listing {
  /** The commit a branch or tag stands for now; undefined where the server does not say. */
  readonly commit: string | undefined;
  /** Size and hash of each file, as far as told; undefined where the server cannot list. */
  readonly files: ReadonlyMap<string, Expectation> | undefined;
}

const maxListingBytes = 1 << 24;

/**
 * A hub from its address and token: those given, else `HF_ENDPOINT` and `HF_TOKEN`, else `https://huggingface.co` without
 * a token.
 * @throws InputError when the address is no http or https URL, or the token cannot stand in a header.
 */
export function openHub(
  endpoint: string | undefined,
  token: string | undefined,
  policy: RetryPolicy & Pick<Hub, 'idleMs'>,
): Hub {
  const { HF_ENDPOINT, HF_TOKEN } = process.env;
  const url = parseUrl(endpoint || HF_ENDPOINT || 'https://huggingface.co');
  if (url.search || url.hash) throw new InputError(`pull: expected an endpoint without a query, got ${url.origin}?…`);
  const secret = (token ?? HF_TOKEN ?? '').trim();
  if (!/^[\x21-\x7e]*$/.test(secret)) {
    throw new InputError('pull: the token (HF_TOKEN) holds characters that no token has; was it copied whole?');
  }
  const headers: Record<string, string> = secret === '' ? {} : { authorization: `Bearer ${secret}` };
  return { ...policy, endpoint: url.href.replace(/\/+$/, ''), headers };
}

/**
 * What the hub has of a model: from its API, or where it has none (a plain file server, a proxy) from the headers of a
 * file that every model folder has one of.
 * @throws InputError when the model or revision is unknown, access is denied, or the answer is not the API's.
 */
export async function listModel(hub: Hub, id: string, revision: string, probes: readonly string[]): Promise<Listing> {
  const url = `${hub.endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const answer = await withRetries(() => answered(hub, url, [404, 405, 501]), hub);
  if (answer.status === 200) return parseListing(answer.from, await readBody(answer, maxListingBytes, hub.signal));
  const { code } = requestFailure(statusError(answer)) ?? {};
  if (code === 'RepoNotFound') throw notFound(hub, `has no model ${quoted(id)}`, 'its id');
  if (code === 'RevisionNotFound') throw notFound(hub, `has no revision ${quoted(revision)} of ${id}`, 'its name');
  for (const name of probes) {
    const probe = await withRetries(() => answered(hub, fileUrl(hub, id, revision, name), [404]), hub);
    probe.body.destroy();
    if (probe.status === 200) return { commit: commitOf(probe.hops), files: undefined };
  }
  throw notFound(hub, `has no model ${quoted(id)} at revision ${quoted(revision)}`, 'both');
}

function notFound(hub: Hub, what: string, mend: string): InputError {
  return new InputError(`pull: ${hub.endpoint} ${what}; check ${mend} (a private model needs HF_TOKEN)`);
}

async function answered(hub: Hub, url: string, accepted: readonly number[]): Promise<Answer> {
  const answer = await request(url, { ...hub, headers: { ...hub.headers, 'accept-encoding': 'identity' } });
  if (answer.status === 200 || accepted.includes(answer.status)) return answer;
  throw statusError(answer);
}

// https://huggingface.co/docs/hub/api: only what is used; whatever else is there is passed over.
const listingSchema = z.object({
  sha: z.string().optional(),
  siblings: z
    .array(
      z.object({
        rfilename: z.string(),
        size: z.number().int().nonnegative().nullish(),
        lfs: z.object({ sha256: z.string().nullish(), size: z.number().int().nonnegative().nullish() }).nullish(),
      }),
    )
    .optional(),
});

function parseListing(from: string, bytes: Buffer): Listing {
  const parsed = listingSchema.safeParse(parsedJson(bytes.toString('utf8')));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue && issue.path.length > 0 ? ` at ${quoted(issue.path.join('.'))}` : '';
    throw new InputError(
      `${from}: expected a hub's description of a model, got other JSON${where}; is the endpoint right?`,
    );
  }
  const { sha, siblings } = parsed.data;
  const files = siblings?.map(({ rfilename, size, lfs }): [string, Expectation] => [
    checkFileName(rfilename, from),
    // The size beside `lfs` may be that of the pointer.
    { size: lfs?.size ?? size ?? undefined, sha256: hexadecimal(lfs?.sha256 ?? undefined) },
  ]);
  return { commit: commitHash(sha), files: files && new Map(files) };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function hexadecimal(text: string | undefined): string | undefined {
  return text && /^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined;
}

function commitOf(hops: readonly IncomingHttpHeaders[]): string | undefined {
  for (const headers of hops) {
    const commit = commitHash(headers['x-repo-commit']);
    if (commit !== undefined) return commit;
  }
  return undefined;
}

// Shortened hashes are let through; the folder is named by it, so nothing but a hash is.
function commitHash(value: unknown): string | undefined {
  return typeof value === 'string' && /^[0-9a-f]{6,64}$/i.test(value) ? value.toLowerCase() : undefined;
}

/** What a hub's headers say of a file kept in LFS: its size, and its SHA-256 as an ETag. */
export function linkedFile(headers: IncomingHttpHeaders): Expectation {
  const size = headers['x-linked-size'];
  const etag = headers['x-linked-etag'];
  return {
    size: typeof size === 'string' && /^\d+$/.test(size) ? Number(size) : undefined,
    sha256: typeof etag === 'string' ? hexadecimal(etag.replace(/^"|"$/g, '')) : undefined,
  };
}

/** Where a hub keeps a file of a model. */
export function fileUrl(hub: Hub, id: string, revision: string, name: string): string {
  const path = name.split('/').map(encodeURIComponent).join('/');
  return `${hub.endpoint}/${id}/resolve/${encodeURIComponent(revision)}/${path}`;
}

/** A model id: `name` or `organisation/name`. @throws InputError on anything else. */
export function checkModelId(id: string): string {
  const parts = id.split('/');
  const plain = parts.every(part => /^[A-Za-z0-9_]([A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$/.test(part));
  // Two dashes stand for the slash in the cache.
  if (plain && parts.length <= 2 && !/\.\.|--/.test(id)) return id;
  throw new InputError(
    `pull: expected a model id such as openai/clip-vit-base-patch16 (letters, digits, '.', '_', '-'), got ${quoted(id)}`,
  );
}

/** A branch, tag, pull request (`refs/pr/1`) or commit. @throws InputError on what git would not take. */
export function checkRevision(revision: string): string {
  const plain = revision.split('/').every(part => /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(part) && !part.includes('..'));
  if (plain && revision.length <= 200) return revision;
  throw new InputError(`pull: expected a revision (a branch, tag or commit), got ${quoted(revision)}`);
}

/** Whether a revision is a whole commit hash, which always means the same files. */
export function isCommit(revision: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(revision);
}

/** The name of a file inside a model folder. @throws InputError when it could lead out of the folder. */
export function checkFileName(name: string, where: string): string {
  const inside = name.split('/').every(part => part !== '' && part !== '.' && part !== '..');
  if (inside && name.length <= 500 && !/[\\\p{Cc}]/u.test(name)) return name;
  throw new InputError(`${where}: expected the name of a file inside the model's folder, got ${quoted(name)}`);
}
