package io.github.cudnn4j.io;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How frameworks lay out the weights of one layer and direction of a recurrent network, and how to
 * get from there to PyTorch's layout, which this library's names follow, and back.
 *
 * <pre>{@code
 *            matrices                      gates: LSTM   GRU    biases
 * PYTORCH    [G*H, I], [G*H, H]            i f g o       r z n  [G*H] and [G*H]
 * KERAS      [I, G*H], [H, G*H]            i f c o       z r h  [G*H]; GRU [2, G*H]
 * ONNX       [G*H, I], [G*H, H] for each   i o f c       z r h  [2*G*H] for each direction:
 *            direction                                          of W, then of R
 * }</pre>
 *
 * <p>The gate that PyTorch calls g, others call c; n is h. All arrays are row-major. Values are
 * only moved, with one exception: Keras has one bias for a cell that is not a GRU, which is the sum
 * of PyTorch's two.
 */
public enum WeightLayout {
  /** torch.nn.RNN, LSTM and GRU. */
  PYTORCH(new int[] {0, 1, 2, 3}, new int[] {0, 1, 2}),
  /** keras.layers.SimpleRNN, LSTM and GRU. */
  KERAS(new int[] {0, 1, 2, 3}, new int[] {1, 0, 2}),
  /** The operators RNN, LSTM and GRU of ONNX; inputs W, R and B. */
  ONNX(new int[] {0, 3, 1, 2}, new int[] {1, 0, 2});

  /** The kinds of cells. */
  public enum Cell {
    /** Tanh or ReLU. */
    RNN(1),
    /** Long short-term memory. */
    LSTM(4),
    /** Gated recurrent unit, its reset gate behind the product with the state. */
    GRU(3);

    private final int gates;

    Cell(int gates) {
      this.gates = gates;
    }

    /** G: how many gates it has. */
    public int gates() {
      return gates;
    }
  }

  /**
   * The biases of one layer and direction in PyTorch's layout, {@code [G*H]} each.
   *
   * @param onInput added to the product with the input
   * @param onState added to the product with the state
   */
  public record Biases(double[] onInput, double[] onState) {}

  private static final List<String> RNN_FUNCTIONS = List.of("tanh", "relu");

  /** For each of this layout's gates its number in PyTorch. */
  private final int[] lstm;

  private final int[] gru;

  WeightLayout(int[] lstm, int[] gru) {
    this.lstm = lstm;
    this.gru = gru;
  }

  private int pytorchGate(Cell cell, int gate) {
    return switch (cell) {
      case RNN -> gate;
      case LSTM -> lstm[gate];
      case GRU -> gru[gate];
    };
  }

  /**
   * Brings a matrix of this layout into PyTorch's.
   *
   * @param hidden H
   * @param columns I for weights of the input, H for those of the state
   * @param matrix {@code G*H*columns} elements, one direction
   * @return a new array, {@code [G*H, columns]}
   * @throws IllegalArgumentException if a size is below 1 or the array has another length
   */
  public double[] matrixToPyTorch(Cell cell, int hidden, int columns, double[] matrix) {
    return moveMatrix(cell, hidden, columns, matrix, true);
  }

  /**
   * Brings a matrix of PyTorch's layout into this one.
   *
   * @param matrix {@code [G*H, columns]}
   * @return a new array, one direction
   * @throws IllegalArgumentException as {@link #matrixToPyTorch}
   */
  public double[] matrixFromPyTorch(Cell cell, int hidden, int columns, double[] matrix) {
    return moveMatrix(cell, hidden, columns, matrix, false);
  }

  private double[] moveMatrix(
      Cell cell, int hidden, int columns, double[] matrix, boolean toPyTorch) {
    int rows = rows(cell, hidden);
    checkPositive("columns", columns);
    checkLength("the matrix", matrix, (long) rows * columns);
    double[] result = new double[matrix.length];
    for (int row = 0; row < rows; row++) {
      int pytorchRow = pytorchGate(cell, row / hidden) * hidden + row % hidden;
      for (int column = 0; column < columns; column++) {
        int here = this == KERAS ? column * rows + row : row * columns + column;
        int there = pytorchRow * columns + column;
        result[toPyTorch ? there : here] = matrix[toPyTorch ? here : there];
      }
    }
    return result;
  }

  /**
   * Brings the biases of this layout into PyTorch's two.
   *
   * @param biases {@code 2*G*H} elements, those of the input first; {@code G*H} for a Keras cell
   *     that is not a GRU, which become those of the input, beside zeros
   * @throws IllegalArgumentException if {@code hidden} is below 1 or the array has another length;
   *     a Keras GRU with {@code G*H} has its reset gate before the product
   */
  public Biases biasesToPyTorch(Cell cell, int hidden, double[] biases) {
    int rows = rows(cell, hidden);
    boolean one = hasOneBias(cell);
    if (this == KERAS && cell == Cell.GRU && biases.length == rows) {
      throw resetBeforeProduct("reset_after=False, as its single bias shows");
    }
    checkLength("the bias", biases, one ? rows : 2L * rows);
    double[] onInput = new double[rows];
    double[] onState = new double[rows];
    for (int row = 0; row < rows; row++) {
      int pytorchRow = pytorchGate(cell, row / hidden) * hidden + row % hidden;
      onInput[pytorchRow] = biases[row];
      onState[pytorchRow] = one ? 0 : biases[rows + row];
    }
    return new Biases(onInput, onState);
  }

  /**
   * Brings PyTorch's two biases into this layout.
   *
   * @return a new array: the input's, then the state's; their sum for a Keras cell that is not a
   *     GRU
   * @throws IllegalArgumentException if {@code hidden} is below 1 or a bias does not have {@code
   *     G*H} elements
   */
  public double[] biasesFromPyTorch(Cell cell, int hidden, Biases biases) {
    int rows = rows(cell, hidden);
    checkLength("the bias of the input", biases.onInput, rows);
    checkLength("the bias of the state", biases.onState, rows);
    boolean one = hasOneBias(cell);
    double[] result = new double[one ? rows : 2 * rows];
    for (int row = 0; row < rows; row++) {
      int pytorchRow = pytorchGate(cell, row / hidden) * hidden + row % hidden;
      if (one) {
        result[row] = biases.onInput[pytorchRow] + biases.onState[pytorchRow];
      } else {
        result[row] = biases.onInput[pytorchRow];
        result[rows + row] = biases.onState[pytorchRow];
      }
    }
    return result;
  }

  private boolean hasOneBias(Cell cell) {
    return this == KERAS && cell != Cell.GRU;
  }

  /**
   * Refuses what cuDNN's cells do not compute, by the name that it has in this framework.
   *
   * <p>Keras: {@code reset_after}, {@code go_backwards}, {@code activation} and {@code
   * recurrent_activation} of the layer's config; absent ones have Keras's defaults. ONNX: the
   * operator's attributes {@code linear_before_reset}, {@code input_forget}, {@code clip}, {@code
   * direction} and {@code activations}, absent ones with ONNX's defaults, and {@code P} if the node
   * has that input. Other entries are passed over.
   *
   * @param attributes names and values: booleans, numbers, strings, lists and arrays of strings
   * @throws IllegalArgumentException if the cell computes something else
   */
  public void requireComputable(Cell cell, Map<String, ?> attributes) {
    switch (this) {
      case PYTORCH -> {}
      case KERAS -> {
        if (cell == Cell.GRU
            && attributes.containsKey("reset_after")
            && isZero(attributes.get("reset_after"))) {
          throw resetBeforeProduct("reset_after=False");
        }
        if (!isZero(attributes.get("go_backwards"))) {
          throw backwardOnly("go_backwards=True");
        }
        requireIn("activation", attributes, cell == Cell.RNN ? RNN_FUNCTIONS : List.of("tanh"));
        if (cell != Cell.RNN) {
          requireIn("recurrent_activation", attributes, List.of("sigmoid"));
        }
      }
      case ONNX -> requireComputableOnnx(cell, attributes);
    }
  }

  private static void requireComputableOnnx(Cell cell, Map<String, ?> attributes) {
    if (cell == Cell.GRU && isZero(attributes.get("linear_before_reset"))) {
      throw resetBeforeProduct("linear_before_reset = 0");
    }
    if ("reverse".equals(attributes.get("direction"))) {
      throw backwardOnly("direction = reverse");
    }
    if (cell == Cell.LSTM && !isZero(attributes.get("input_forget"))) {
      throw new IllegalArgumentException(
          "an LSTM with input_forget = 1 couples its input and forget gates, which cuDNN's LSTM"
              + " does not");
    }
    if (cell == Cell.LSTM && attributes.containsKey("P")) {
      throw new IllegalArgumentException(
          "an LSTM with peepholes (input P) lets its gates see the cell state, which cuDNN's LSTM"
              + " does not");
    }
    if (attributes.containsKey("clip")) {
      throw new IllegalArgumentException(
          "clip bounds what goes into ONNX's activations; cuDNN can only bound an LSTM's cell"
              + " state");
    }
    if (attributes.containsKey("activations")) {
      List<?> functions = list(attributes.get("activations"));
      List<String> names = lowerCase(functions);
      List<String> one =
          switch (cell) {
            case RNN -> names.contains("relu") ? List.of("relu") : List.of("tanh");
            case LSTM -> List.of("sigmoid", "tanh", "tanh");
            case GRU -> List.of("sigmoid", "tanh");
          };
      boolean known = true;
      for (int i = 0; i < names.size(); i++) {
        known &= names.get(i).equals(one.get(i % one.size()));
      }
      if (!known) {
        throw new IllegalArgumentException(
            "activations are " + functions + ", but cuDNN's " + cell + " has " + one);
      }
    }
  }

  private static void requireIn(String name, Map<String, ?> attributes, List<String> known) {
    Object value = attributes.get(name);
    if (value != null && !known.contains(value.toString())) {
      throw new IllegalArgumentException(
          name + " is " + value + ", but cuDNN's cell has " + String.join(" or ", known));
    }
  }

  /**
   * Returns the activation of a plain cell, {@code tanh} or {@code relu}, by its layer's
   * attributes.
   *
   * @param attributes that {@link #requireComputable} passes
   */
  public String activation(Map<String, ?> attributes) {
    String name =
        switch (this) {
          case PYTORCH -> "nonlinearity";
          case KERAS -> "activation";
          case ONNX -> "activations";
        };
    return lowerCase(list(attributes.get(name))).stream()
        .findFirst()
        .orElse(RNN_FUNCTIONS.getFirst());
  }

  private static boolean isZero(@Nullable Object value) {
    return value == null
        || value.equals(false)
        || value instanceof Number number && number.doubleValue() == 0;
  }

  /** An attribute of several values, or of one. */
  private static List<?> list(@Nullable Object value) {
    return switch (value) {
      case null -> List.of();
      case List<?> list -> list;
      case Object[] array -> List.of(array);
      default -> List.of(value);
    };
  }

  private static List<String> lowerCase(List<?> names) {
    return names.stream().map(name -> name.toString().toLowerCase(Locale.ROOT)).toList();
  }

  private static IllegalArgumentException resetBeforeProduct(String by) {
    return new IllegalArgumentException(
        "a GRU with "
            + by
            + " applies its reset gate before the product with the state; cuDNN's applies it"
            + " after");
  }

  private static IllegalArgumentException backwardOnly(String by) {
    return new IllegalArgumentException(
        "a layer with "
            + by
            + " reads sequences backward only; set it as one that reads forward, without this"
            + " attribute, and reverse the steps of each row of x before and of y after");
  }

  private static int rows(Cell cell, int hidden) {
    checkPositive("hidden", hidden);
    int most = Integer.MAX_VALUE / cell.gates;
    if (hidden > most) {
      throw new IllegalArgumentException("hidden is " + hidden + ", must be at most " + most);
    }
    return cell.gates * hidden;
  }

  private static void checkPositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + ", but it must be at least 1");
    }
  }

  private static void checkLength(String name, double[] values, long length) {
    if (values.length != length) {
      throw new IllegalArgumentException(
          name + " has " + values.length + " elements, but it must have " + length);
    }
  }
}
