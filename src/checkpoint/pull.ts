import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, suggestion } from '../errors.js';
import { download } from '../files/download.js';
import { makeFolder } from '../files/folder.js';
import { sha256File } from '../files/hash.js';
import { quoted } from '../files/quote.js';
import { requestFailure } from '../files/transfer/http.js';
import { type HeldLock, withLock } from '../files/transfer/lock.js';
import { convertTorch } from './convertTorch.js';
import {
  checkFileName,
  checkModelId,
  checkRevision,
  fileUrl,
  type Hub,
  isCommit,
  type Listing,
  linkedFile,
  listModel,
  openHub,
} from './hub.js';
import { openaiCheckpoint } from './openai.js';
import {
  completeManifest,
  isThere,
  manifestName,
  modelFolder,
  noteRevision,
  type PulledFile,
  readManifest,
  writeManifest,
} from './pulled.js';
import { type Pulled, type PullUrlOptions, pullUrl } from './pullUrl.js';
import { configFiles, orderedChoices, shardsOf, type WeightChoice, weightChoices } from './weightFiles.js';

export interface PullOptions extends PullUrlOptions {
  /** The hub's address; `HF_ENDPOINT`, else `https://huggingface.co`, unless given. */
  readonly endpoint?: string | undefined;
  /** A branch, tag or commit; `main` unless given. */
  readonly revision?: string | undefined;
  /** Sent to the hub and to nobody it redirects to; `HF_TOKEN` unless given. */
  readonly token?: string | undefined;
  /** Further files of the repository to fetch. */
  readonly include?: readonly string[] | undefined;
  /** Turns PyTorch files into one safetensors file. */
  readonly convertTorch?: ((paths: readonly string[], out: string) => void | Promise<void>) | undefined;
}

/** Everything one pull knows while it runs. */
interface Job {
  readonly hub: Hub;
  readonly id: string;
  /** What stands for the revision in addresses: the commit, where one is known. */
  readonly at: string;
  /** Whether `at` always means the same files. */
  readonly pinned: boolean;
  readonly dir: string;
  readonly listing: Listing;
  readonly include: readonly string[];
  readonly options: PullOptions;
  /** What an earlier pull of the same revision into the same folder got. */
  readonly earlier: ReadonlyMap<string, PulledFile>;
  /** Whether the earlier pull got everything, so that this one only adds to it. */
  readonly wasComplete: boolean;
  readonly files: Map<string, Pulled['files'][number]>;
}

const maxConfigBytes = 1 << 26;

/**
 * Gets a model folder from a Hugging Face style hub, or one file: an id `organisation/name`, an address of a file, or
 * `openai:ViT-B/16` (see `openaiCheckpoints`). Configs, tokenizer files and the best of the weights the repository has
 * go to `dir`, or to a folder of the cache named by the commit; PyTorch weights become safetensors at once. Sizes and
 * SHA-256 are checked where the hub tells them. What is there is not fetched again; a whole commit that is there asks
 * no server. Only known names are fetched, and what a hub names must lie in the folder.
 * @throws InputError on a bad id or revision, no such model, denied access, no weights, a `dir` that holds another
 * model, or a failed download; a pull that is run again goes on where it stopped.
 */
export async function pull(id: string, options: PullOptions = {}): Promise<Pulled> {
  const openai = openaiCheckpoint(id);
  if (openai) return pullUrl(openai.url, { ...options, sha256: openai.sha256 });
  if (/^https?:/i.test(id)) return pullUrl(id, options);
  checkModelId(id);
  const asked = checkRevision(options.revision ?? 'main');
  const revision = isCommit(asked) ? asked.toLowerCase() : asked;
  const include = (options.include ?? []).map(name => checkFileName(name, 'pull: include'));
  const { retries, backoffMs, maxWaitMs, idleMs, signal } = options;
  const hub = openHub(options.endpoint, options.token, { retries, backoffMs, maxWaitMs, idleMs, signal });
  if (isCommit(revision)) {
    const ready = wholePull(options.dir ?? modelFolder(id, revision, true), id, revision, include);
    if (ready) return ready;
  }
  const listing = await listModel(hub, id, revision, [...configFiles, ...weightChoices.map(({ file }) => file)]);
  if (isCommit(revision) && listing.commit !== undefined && listing.commit !== revision) {
    throw new InputError(`pull: ${hub.endpoint} gives commit ${listing.commit} of ${id} for commit ${revision}`);
  }
  const pinned = listing.commit !== undefined || isCommit(revision);
  const at = listing.commit ?? revision;
  const dir = options.dir ?? modelFolder(id, at, pinned);
  const pulled = await pullInto({ hub, id, at, pinned, dir, listing, include, options });
  if (options.dir === undefined && pinned) noteRevision(id, revision, at);
  return pulled;
}

function wholePull(dir: string, id: string, at: string, include: readonly string[]): Pulled | undefined {
  const manifest = completeManifest(dir);
  if (manifest?.id !== id || manifest.revision !== at) return undefined;
  const names = new Set(manifest.files.map(({ name }) => name));
  if (!include.every(name => names.has(name))) return undefined;
  return { dir, revision: at, files: manifest.files.map(file => ({ ...file, fromCache: true })) };
}

async function pullInto(plan: Omit<Job, 'earlier' | 'wasComplete' | 'files'>): Promise<Pulled> {
  const { id, at, pinned, dir, include, options } = plan;
  for (const name of include) {
    const files = plan.listing.files;
    if (files && !files.has(name)) {
      throw new InputError(`pull: ${id} has no file ${quoted(name)}${suggestion(name, files.keys())}`);
    }
  }
  makeFolder(dir);
  const work = async (lock: HeldLock) => {
    const before = readManifest(dir);
    const same = before?.id === id && before.revision === at;
    if (before?.complete && !same) {
      throw new InputError(`pull: ${dir} holds ${before.id} at ${before.revision}; give another folder or remove it`);
    }
    const ready = pinned || lock.waited ? wholePull(dir, id, at, include) : undefined;
    if (ready) return ready;
    const earlier = new Map(same ? before.files.map(file => [file.name, file]) : []);
    const wasComplete = pinned && completeManifest(dir) !== undefined;
    const job: Job = { ...plan, earlier, wasComplete, files: new Map() };
    note(job, false);
    await fetchAll(job);
    note(job, true);
    return { dir, revision: at, files: [...job.files.values()] };
  };
  const onWait = () => options.onProgress?.({ stage: 'wait', file: id, done: 0, total: undefined });
  return withLock(join(dir, `${manifestName}.lock`), work, { onWait, signal: options.signal });
}

/** Writes the manifest: what this pull has, and what an earlier one got that is still there. */
function note({ hub, id, at, pinned, dir, files, earlier, wasComplete }: Job, done: boolean): void {
  const got = [...files.values()].map(({ fromCache, ...file }) => file);
  const left = [...earlier.values()].filter(file => !files.has(file.name) && isThere(dir, file));
  const complete = done || wasComplete;
  writeManifest(dir, {
    id,
    revision: at,
    endpoint: hub.endpoint,
    complete,
    files: done && !pinned ? got : [...got, ...left],
  });
}

async function fetchAll(job: Job): Promise<void> {
  for (const name of configFiles) await fetchFile(job, name, maxConfigBytes);
  for (const name of job.include) {
    const got = job.files.has(name) || (await fetchFile(job, name));
    if (!got) throw new InputError(`pull: ${job.id} has no file ${quoted(name)}`);
  }
  const text = (name: string) => (job.files.has(name) ? readFileSync(join(job.dir, name), 'utf8') : undefined);
  const choices = orderedChoices(text('config.json'), text('open_clip_config.json'));
  for (const choice of choices) if (await fetchWeights(job, choice)) return;
  const names = choices.map(({ file }) => file).join(', ');
  throw new InputError(`pull: ${job.id} at ${job.at} has no weights that can be read; expected one of ${names}`);
}

/** Fetches the weights if the model has them in this form; returns whether it does. */
async function fetchWeights(job: Job, choice: WeightChoice): Promise<boolean> {
  const { file, becomes, sharded } = choice;
  const made = becomes === undefined ? undefined : job.earlier.get(becomes);
  if (job.pinned && made?.convertedFrom?.includes(file) && isThere(job.dir, made)) {
    job.files.set(made.name, { ...made, fromCache: true });
    return true;
  }
  if (!(await fetchFile(job, file, sharded ? maxConfigBytes : undefined))) return false;
  const path = join(job.dir, file);
  const shards = sharded ? shardsOf(readFileSync(path, 'utf8'), path, choice) : [];
  for (const shard of shards) {
    if (await fetchFile(job, shard)) continue;
    throw new InputError(`pull: ${job.id} at ${job.at} lacks ${quoted(shard)}, which ${file} names`);
  }
  if (becomes !== undefined) await convert(job, sharded ? shards : [file], [file, ...shards], becomes);
  return true;
}

async function convert(job: Job, weights: readonly string[], sources: readonly string[], out: string): Promise<void> {
  const { dir, files, options } = job;
  const path = join(dir, out);
  const paths = weights.map(name => join(dir, name));
  const total = weights.reduce((sum, name) => sum + (files.get(name)?.bytes ?? 0), 0);
  options.onProgress?.({ stage: 'convert', file: out, done: 0, total });
  await (options.convertTorch ?? convertTorch)(paths, path);
  options.onProgress?.({ stage: 'convert', file: out, done: total, total });
  const { size: bytes } = statSync(path);
  files.set(out, { name: out, bytes, sha256: await sha256File(path), convertedFrom: sources, fromCache: false });
  const spent = sources.filter(name => !job.include.includes(name));
  for (const name of spent) files.delete(name);
  note(job, false);
  for (const name of spent) rmSync(join(dir, name), { force: true });
}

/** Fetches one file of the model, or finds it on disk; false when the model has none of that name. */
async function fetchFile(job: Job, name: string, maxBytes?: number): Promise<boolean> {
  const { hub, id, at, dir, listing, earlier, files, options } = job;
  const listed = listing.files?.get(name);
  if (listing.files && !listed) return false;
  const known = earlier.get(name);
  const present = known && isThere(dir, known) ? known : undefined;
  if (present && job.pinned) {
    files.set(name, { ...present, fromCache: true });
    return true;
  }
  try {
    const { bytes, sha256, fromCache, etag } = await download(fileUrl(hub, id, at, name), join(dir, name), {
      ...hub,
      expectedSize: listed?.size,
      sha256: listed?.sha256,
      promised: linkedFile,
      unlessEtag: present?.etag,
      maxBytes,
      onProgress: (done, total) => options.onProgress?.({ stage: 'download', file: name, done, total }),
    });
    files.set(name, { name, bytes, sha256, fromCache, ...(!job.pinned && etag !== undefined && { etag }) });
  } catch (error) {
    const missing = requestFailure(error)?.status === 404 && !listing.files;
    if (missing) return false;
    throw error;
  }
  note(job, false);
  return true;
}
