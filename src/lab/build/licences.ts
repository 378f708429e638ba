/** The licences of the packages that are bundled into the page or its workers, as one file beside them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/** A plugin that notes the packages of a bundle, for each bundle, and one that writes the file with the last of them. */
export function licences(fileName: string): { note: () => Plugin; write: () => Plugin } {
  /** By the folders of packages, what single files of theirs say at their heads. */
  const notices = new Map<string, Set<string>>();
  return {
    note: () => ({
      name: 'clipscope:note-packages',
      buildEnd() {
        for (const id of this.getModuleIds()) {
          const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id.replace('\0', ''))?.[0];
          if (!folder) continue;
          const heads = notices.get(folder) ?? new Set();
          notices.set(folder, heads);
          const head = /^\/\*!(.*?)\*\//s.exec(this.getModuleInfo(id)?.code?.slice(0, 4000) ?? '')?.[1];
          if (head) heads.add(head.replace(/^[ *]+|[ *]+$/gm, '').trim());
        }
      },
    }),
    write: () => ({
      name: 'clipscope:licences',
      generateBundle() {
        const source = ['# Licences of what is bundled here', ...[...notices].sort().map(licenceOf)].join('\n\n');
        this.emitFile({ type: 'asset', fileName, source });
      },
    }),
  };
}

function licenceOf([folder, heads]: readonly [string, ReadonlySet<string>]): string {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, string>;
  const texts = readdirSync(folder).filter(
    name => /^(licen[cs]e|notice)/i.test(name) && existsSync(join(folder, name)),
  );
  const title = `## ${manifest.name} ${manifest.version}, ${manifest.license}`;
  return [title, ...texts.map(name => readFileSync(join(folder, name), 'utf8').trim()), ...heads].join('\n\n');
}
