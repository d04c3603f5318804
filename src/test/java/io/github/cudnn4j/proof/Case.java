package io.github.cudnn4j.proof;

import io.github.cudnn4j.rnn.RnnConfig;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Inputs of a network, and what the equations make of them. */
record Case(Run.Inputs in, Map<String, double[]> expected) {
  /** Further from a jump than the half types err on their way there. */
  private static final double MARGIN = 0.02;

  private static final int ATTEMPTS = 200;

  /**
   * Draws inputs. With {@code jumps}, the rows stay away from where a derivative jumps: the half
   * types could end up on its other side.
   *
   * @return null if there are no such rows with these parameters
   */
  static @Nullable Case draw(
      RandomSetup setup,
      Map<String, double[]> parameters,
      double @Nullable [][][][] masks,
      boolean jumps) {
    RnnConfig config = setup.config();
    Rows rows = setup.rows();
    Run.Inputs in = setup.inputs();
    for (int attempt = 0; jumps; attempt++) {
      double[] distances = Reference.distancesToJump(config, rows, parameters, in, masks);
      boolean near = false;
      for (int row = 0; row < rows.batch(); row++) {
        if (distances[row] < MARGIN) {
          near = true;
          setup.redraw(in, row);
        }
      }
      if (!near) {
        break;
      }
      if (attempt == ATTEMPTS) {
        return null;
      }
    }
    return new Case(in, Reference.results(config, rows, parameters, in, masks));
  }
}
