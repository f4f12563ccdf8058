/** One chain of promises a key, in a map: what most people write first. */
export function chains(): (key: string, task: () => void | Promise<void>) => Promise<void> {
  const ends = new Map<string, Promise<void>>();
  return (key, task) => {
    const end = (ends.get(key) ?? Promise.resolve()).then(task);
    ends.set(key, end);
    void end.finally(() => {
      if (ends.get(key) === end) ends.delete(key);
    });
    return end;
  };
}
