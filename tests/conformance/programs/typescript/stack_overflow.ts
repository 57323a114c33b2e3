function dig(depth: number): number {
  return dig(depth + 1) + 1;
}

dig(0);
