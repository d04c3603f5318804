package io.github.cudnn4j.tape;

/** A function of each element by itself, by its number in {@code elementwise.cu}. */
enum UnaryFunction {
  TANH,
  SIGMOID,
  RELU,
  EXP,
  LOG,
  RECIPROCAL
}
