/** A method out of a file of the user's, which may import `clipscope` wherever it lies. */
import module from 'node:module';
import { basename, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Attention } from '../../attention/attention.js';
import { InputError } from '../../errors.js';
import { printable } from '../../files/quote.js';
import type { Method } from '../../segment/methods.js';
import { protocols } from '../../segment/protocols.js';
import type { MethodSpec } from '../plan.js';
import { sha256Of } from './specs.js';

/**
 * The default export of a module: a method, an attention (a function of one parameter), or what a function without
 * parameters returns of these.
 * @throws InputError when the module is not the one whose hash the plan has, does not load, or exports something else
 */
export async function loadUserMethod({ path, sha256 }: NonNullable<MethodSpec['module']>): Promise<Method | Attention> {
  if (sha256Of(path) !== sha256) {
    throw new InputError(`${path}: it has changed since the evaluation was planned; start anew`);
  }
  ready ??= prepareLoading();
  await ready;
  const { default: exported } = await importModule(path);
  if (typeof exported !== 'function') return checked(exported, path);
  // An attention takes q, k and v; a function of nothing makes a method or an attention.
  return exported.length > 0 ? (exported as Attention) : checked(await call(exported as () => unknown, path), path);
}

/** Hooks are the process's own: made once, never taken back. */
let ready: Promise<void> | undefined;

/** Reads TypeScript where the running Node does not, and makes `clipscope` mean the program that runs: one tensor library. */
async function prepareLoading(): Promise<void> {
  if (!module.register) throw new InputError('a method of your own needs Node 20.6 or newer');
  const { typescript } = process.features as { typescript?: unknown };
  if (!typescript) (await import('tsx/esm/api')).register();
  module.register('./moduleHooks.js', import.meta.url, { data: new URL('../../index.js', import.meta.url).href });
}

async function importModule(path: string): Promise<{ default?: unknown }> {
  try {
    return await import(`${pathToFileURL(path).href}?method`);
  } catch (error) {
    throw failed(path, error);
  }
}

async function call(make: () => unknown, path: string): Promise<unknown> {
  try {
    return await make();
  } catch (error) {
    throw failed(path, error);
  }
}

function failed(path: string, error: unknown): InputError {
  const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
  return new InputError(`${path}: does not load: ${printable(reason!)}`);
}

function checked(value: unknown, path: string): Method | Attention {
  if (typeof value === 'function') return value as Attention;
  const { variant, protocol } = (value ?? {}) as Partial<Method>;
  if (isObject(variant) && isObject(protocol)) {
    const name = (protocol as Partial<Method['protocol']>).name;
    if (name !== undefined && Object.hasOwn(protocols, name)) {
      return { name: basename(path, extname(path)), variant, protocol: { ...protocols[name], ...protocol } };
    }
    throw new InputError(`${path}: expected a method's protocol with the name of a published one, got ${String(name)}`);
  }
  throw new InputError(
    `${path}: expected a default export that is a method, an attention, or a function that returns one; ` +
      `got ${value === undefined ? 'none' : value === null ? 'null' : typeof value}`,
  );
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
