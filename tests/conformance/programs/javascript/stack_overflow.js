function dig(depth) {
  return dig(depth + 1) + 1;
}

dig(0);
