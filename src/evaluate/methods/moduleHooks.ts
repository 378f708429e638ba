/** Module hooks, which Node runs in a thread of their own. */
import type { InitializeHook, ResolveHook } from 'node:module';

let door = '';

/** @param url the program's own index */
export const initialize: InitializeHook<string> = url => {
  door = url;
};

/**
 * A bare `clipscope` leads to the program that runs. The file of a method, which is marked by `?method`, and TypeScript are
 * taken for ES modules even where no package.json beside them says so.
 */
export const resolve: ResolveHook = async (specifier, context, next) => {
  const found = await next(specifier === 'clipscope' ? door : specifier, context);
  return found.format === 'commonjs' && /\.ts$|\.[jt]s\?method$/.test(found.url)
    ? { ...found, format: 'module' }
    : found;
};
