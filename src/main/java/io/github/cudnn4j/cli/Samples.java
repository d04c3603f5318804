package io.github.cudnn4j.cli;

/** Shows a model at work. */
interface Samples extends AutoCloseable {

  /** Of a model that has nothing to show. */
  Samples NONE =
      new Samples() {
        @Override
        public String sample(int length, long seed) {
          return "";
        }

        @Override
        public void close() {}
      };

  /**
   * Returns something that the model writes by now, in one line; empty if there is nothing.
   *
   * @param length about how many characters
   */
  String sample(int length, long seed);

  @Override
  void close();
}
