// Applies what `POST /changes` answers to the data that it is about.

/**
 * @param old the data, which stays as it is.
 * @param change what has changed, as `changes.py` describes it.
 */
export function changed(old, change) {
  if (change.keys) {
    const own = Object.entries(change.keys).map(([key, inner]) => [key, changed(old[key], inner)]);
    return { ...old, ...Object.fromEntries(own) };
  }
  if (change.items) {
    return change.items.flatMap((part) => {
      if (Array.isArray(part)) return old.slice(part[0], part[0] + part[1]);
      return [part.change ? changed(old[part.at], part.change) : part.value];
    });
  }
  return change.value;
}
