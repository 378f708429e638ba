declare module '@ts-morph/common/dist/typescript.js' {
  import type { ts } from '@ts-morph/common';

  const typescript: typeof ts;
  export default typescript;
}

declare module 'virtual:editor-types' {
  /** What the editor knows of the language and the library: declaration files by path; see `build/editorTypes.ts`. */
  const types: Readonly<Record<string, string>>;
  export default types;
}
