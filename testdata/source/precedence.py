def levels(a, b, c):
  return a or b and c
  return a and b or c
  return not a == b and c
  return ~a + 1
  return (~a) + 1
  return a * ~b + c
  return a < b < c
  return a is not None
  return a is  not None
  return a not in b in c
  return a | b ^ c & a << b + c * a ** b ** c
  return (a | b) ^ c
  return -a ** b
  return (-a) ** b
  return 2 ** -1
  return a - b - c
  return a - (b - c)
  return a // b % c @ a / b
  return a if b else c if a else b
  return (a if b else c) if a else b
  return -a.b[c](a)
  return not not a
  return - 1 + 2
  return a == (not b)
  return a + not b + c
