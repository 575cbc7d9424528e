def no_newline():
  return x