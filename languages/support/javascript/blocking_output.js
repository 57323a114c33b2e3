// Runs in every JavaScript program before its first line.
//
// Into a full pipe node does not wait: it keeps the rest in memory and writes it from the event loop. A program that
// prints in an endless loop never gets there, so its output is lost and its memory grows until it is killed for that.
// Blocking writes make it wait instead, as it does on a terminal. The streams are made when they are first used, as
// ever: most programs use one of them only, and each takes a millisecond.
'use strict';

for (const name of ['stdout', 'stderr']) {
  const original = Object.getOwnPropertyDescriptor(process, name);
  Object.defineProperty(process, name, {
    ...original,
    get() {
      const stream = original.get.call(process);
      stream._handle?.setBlocking?.(true);
      Object.defineProperty(process, name, original);
      return stream;
    },
  });
}

delete require.cache[__filename];
