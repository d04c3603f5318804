package io.github.cudnn4j.model;

/**
 * What a {@link BeamSearch} searches: a network that reads one symbol of each row and predicts the
 * next, whatever it is made of and wherever it keeps its states.
 *
 * <p>All rows are advanced by one call, so that a device computes them together. States do not pass
 * through the search: it names them by the rows that they belonged to in the call before, and the
 * function reorders them, as {@link StepRunner} does by a gather on the device.
 */
@FunctionalInterface
public interface StepFunction {

  /**
   * Advances rows by one symbol each.
   *
   * @param parents for each of R rows, the row of the call before whose state it goes on from; in
   *     the first call of a search, the number of the sequence whose initial state it starts from.
   *     A row may be the parent of many or of none.
   * @param symbols the symbol that each row reads
   * @return {@code [R][V]} logits of the symbol that follows; until the next call they are the
   *     caller's, who may change them
   */
  float[][] advance(int[] parents, int[] symbols);
}
