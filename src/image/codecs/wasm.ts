import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** What the decoders of @jsquash have in common. */
export interface WasmDecoder {
  /** RGBA pixels, or null when the bytes cannot be decoded; throws when the codec gives up. */
  decode(bytes: Uint8Array, applyOrientation?: boolean): RgbaPixels | null;
}

/** A decoded picture, four bytes a pixel. */
export interface RgbaPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** The options of emscripten's glue code that are used here. */
interface GlueOptions {
  noInitialRun: boolean;
  instantiateWasm(imports: object, done: (instance: object) => void): object;
  printErr(line: string): void;
}

/** The factory that an emscripten module exports. */
export type Glue<Codec> = (options: GlueOptions) => Promise<Codec>;

// Node's own types leave WebAssembly to those of the browser.
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>;
  Instance: new (module: object, imports: object) => { readonly exports: object };
};

const compiled = new Map<string, Promise<object>>();

/**
 * A fresh instance of a codec out of an npm package, so that no failure and no large picture's memory outlives its
 * call. Left alone the package would fetch its binary by URL, which Node cannot do for a file: it is compiled here, once
 * per process.
 *
 * @param binary module specifier of the `.wasm` file
 * @param glue the package's emscripten module
 * @param complain gets each line that the codec would print
 */
export async function startCodec<Codec>(
  binary: string,
  glue: Glue<Codec>,
  complain: (line: string) => void = () => {},
): Promise<Codec> {
  let compiling = compiled.get(binary);
  if (!compiling) {
    compiling = readFile(createRequire(import.meta.url).resolve(binary)).then(WebAssembly.compile);
    compiled.set(binary, compiling);
  }
  const module = await compiling;
  return glue({
    noInitialRun: true,
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
    printErr: complain,
  });
}
