/** Runs a step as a user whom permissions bind: the superuser, who may do everything, becomes nobody meanwhile. */
export async function unprivileged<T>(step: () => T | Promise<T>): Promise<T> {
  const superuser = process.getuid?.() === 0;
  if (superuser) process.seteuid?.(65534);
  try {
    return await step();
  } finally {
    if (superuser) process.seteuid?.(0);
  }
}
