package io.github.cudnn4j.io;

import static io.github.cudnn4j.io.WeightLayout.KERAS;
import static io.github.cudnn4j.io.WeightLayout.ONNX;
import static io.github.cudnn4j.io.WeightLayout.PYTORCH;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.io.WeightLayout.Biases;
import io.github.cudnn4j.io.WeightLayout.Cell;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Elements are written as gate number in PyTorch, row, column: 132 is gate 1, row 3, column 2. */
class WeightLayoutTest {

  private static void assertRefused(String message, Executable executable) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, executable).getMessage());
  }

  @Test
  void kerasMatricesAreTransposed() {
    // kernel [I = 2, 4H = 8] of an LSTM: i, f, c, o stand beside one another
    assertArrayEquals(
        new double[] {0, 1, 10, 11, 100, 101, 110, 111, 200, 201, 210, 211, 300, 301, 310, 311},
        KERAS.matrixToPyTorch(
            Cell.LSTM,
            2,
            2,
            new double[] {
              0, 10, 100, 110, 200, 210, 300, 310, 1, 11, 101, 111, 201, 211, 301, 311
            }));
    // kernel [I = 2, 3H = 3] of a GRU: z, r, h
    assertArrayEquals(
        new double[] {0, 1, 100, 101, 200, 201},
        KERAS.matrixToPyTorch(Cell.GRU, 1, 2, new double[] {100, 0, 200, 101, 1, 201}));
    // kernel [I = 3, H = 2] of a SimpleRNN
    assertArrayEquals(
        new double[] {0, 1, 2, 10, 11, 12},
        KERAS.matrixToPyTorch(Cell.RNN, 2, 3, new double[] {0, 10, 1, 11, 2, 12}));
  }

  @Test
  void onnxGatesAreInAnotherOrder() {
    // W [4H = 4, I = 2] of an LSTM: i, o, f, c
    assertArrayEquals(
        new double[] {0, 1, 100, 101, 200, 201, 300, 301},
        ONNX.matrixToPyTorch(Cell.LSTM, 1, 2, new double[] {0, 1, 300, 301, 100, 101, 200, 201}));
    // R [3H = 6, H = 2] of a GRU: z, r, h
    assertArrayEquals(
        new double[] {0, 1, 10, 11, 100, 101, 110, 111, 200, 201, 210, 211},
        ONNX.matrixToPyTorch(
            Cell.GRU, 2, 2, new double[] {100, 101, 110, 111, 0, 1, 10, 11, 200, 201, 210, 211}));
  }

  @Test
  void biasesFollowTheGates() {
    Biases gru = KERAS.biasesToPyTorch(Cell.GRU, 1, new double[] {1, 0, 2, -1, -0.5, -2});
    assertArrayEquals(new double[] {0, 1, 2}, gru.onInput());
    assertArrayEquals(new double[] {-0.5, -1, -2}, gru.onState());
    Biases lstm = ONNX.biasesToPyTorch(Cell.LSTM, 1, new double[] {0, 3, 1, 2, -4, -7, -5, -6});
    assertArrayEquals(new double[] {0, 1, 2, 3}, lstm.onInput());
    assertArrayEquals(new double[] {-4, -5, -6, -7}, lstm.onState());
    Biases one = KERAS.biasesToPyTorch(Cell.LSTM, 1, new double[] {0, 1, 2, 3});
    assertArrayEquals(new double[] {0, 1, 2, 3}, one.onInput());
    assertArrayEquals(new double[4], one.onState());
    assertArrayEquals(
        new double[] {11, 22, 33, 44},
        KERAS.biasesFromPyTorch(
            Cell.LSTM, 1, new Biases(new double[] {1, 2, 3, 4}, new double[] {10, 20, 30, 40})));
  }

  @Test
  void thereAndBackIsTheSame() {
    SplittableRandom random = new SplittableRandom(1);
    for (WeightLayout layout : WeightLayout.values()) {
      for (Cell cell : Cell.values()) {
        int hidden = random.nextInt(1, 6);
        int columns = random.nextInt(1, 6);
        int rows = cell.gates() * hidden;
        double[] matrix = random.doubles((long) rows * columns).toArray();
        assertArrayEquals(
            matrix,
            layout.matrixToPyTorch(
                cell, hidden, columns, layout.matrixFromPyTorch(cell, hidden, columns, matrix)));
        double[] onInput = random.doubles(rows).toArray();
        boolean one = layout == KERAS && cell != Cell.GRU;
        double[] onState = one ? new double[rows] : random.doubles(rows).toArray();
        Biases back =
            layout.biasesToPyTorch(
                cell, hidden, layout.biasesFromPyTorch(cell, hidden, new Biases(onInput, onState)));
        assertArrayEquals(onInput, back.onInput());
        assertArrayEquals(onState, back.onState());
      }
    }
  }

  @Test
  void arraysOfAnotherLengthAreRefused() {
    assertRefused(
        "the matrix has 3 elements, but it must have 4",
        () -> ONNX.matrixToPyTorch(Cell.LSTM, 1, 1, new double[3]));
    assertRefused(
        "the bias has 3 elements, but it must have 6",
        () -> ONNX.biasesToPyTorch(Cell.GRU, 1, new double[3]));
    assertRefused(
        "hidden is 0, but it must be at least 1",
        () -> PYTORCH.matrixToPyTorch(Cell.LSTM, 0, 1, new double[0]));
  }

  @Test
  void whatCudnnDoesNotComputeIsRefusedByName() {
    String reset =
        " applies its reset gate before the product with the state; cuDNN's applies it after";
    assertRefused(
        "a GRU with reset_after=False" + reset,
        () -> KERAS.requireComputable(Cell.GRU, Map.of("reset_after", false)));
    assertRefused(
        "a GRU with reset_after=False, as its single bias shows" + reset,
        () -> KERAS.biasesToPyTorch(Cell.GRU, 1, new double[3]));
    assertRefused(
        "a GRU with linear_before_reset = 0" + reset,
        () -> ONNX.requireComputable(Cell.GRU, Map.of()));
    assertRefused(
        "an LSTM with input_forget = 1 couples its input and forget gates, which cuDNN's LSTM does"
            + " not",
        () -> ONNX.requireComputable(Cell.LSTM, Map.of("input_forget", 1)));
    assertRefused(
        "an LSTM with peepholes (input P) lets its gates see the cell state, which cuDNN's LSTM"
            + " does not",
        () -> ONNX.requireComputable(Cell.LSTM, Map.of("P", "peepholes")));
    assertRefused(
        "clip bounds what goes into ONNX's activations; cuDNN can only bound an LSTM's cell state",
        () -> ONNX.requireComputable(Cell.LSTM, Map.of("clip", 3f)));
    assertRefused(
        "activations are [HardSigmoid, Tanh, Tanh], but cuDNN's LSTM has [sigmoid, tanh, tanh]",
        () ->
            ONNX.requireComputable(
                Cell.LSTM, Map.of("activations", List.of("HardSigmoid", "Tanh", "Tanh"))));
    assertRefused(
        "activations are [Sigmoid, Relu, Tanh], but cuDNN's LSTM has [sigmoid, tanh, tanh]",
        () ->
            ONNX.requireComputable(
                Cell.LSTM, Map.of("activations", new String[] {"Sigmoid", "Relu", "Tanh"})));
    assertRefused(
        "activations are [Affine], but cuDNN's RNN has [tanh]",
        () -> ONNX.requireComputable(Cell.RNN, Map.of("activations", "Affine")));
    assertRefused(
        "a GRU with linear_before_reset = 0" + reset,
        () -> ONNX.requireComputable(Cell.GRU, Map.of("linear_before_reset", false)));
    assertRefused(
        "recurrent_activation is hard_sigmoid, but cuDNN's cell has sigmoid",
        () -> KERAS.requireComputable(Cell.LSTM, Map.of("recurrent_activation", "hard_sigmoid")));
    String backward =
        " reads sequences backward only; set it as one that reads forward, without this attribute,"
            + " and reverse the steps of each row of x before and of y after";
    assertRefused(
        "a layer with go_backwards=True" + backward,
        () -> KERAS.requireComputable(Cell.LSTM, Map.of("go_backwards", true)));
    assertRefused(
        "a layer with direction = reverse" + backward,
        () -> ONNX.requireComputable(Cell.LSTM, Map.of("direction", "reverse")));
    KERAS.requireComputable(
        Cell.GRU,
        Map.of("reset_after", true, "activation", "tanh", "recurrent_activation", "sigmoid"));
    KERAS.requireComputable(Cell.RNN, Map.of("activation", "relu"));
    ONNX.requireComputable(
        Cell.GRU, Map.of("linear_before_reset", 1, "activations", List.of("Sigmoid", "Tanh")));
    ONNX.requireComputable(Cell.RNN, Map.of("activations", List.of("Relu", "Relu")));
    ONNX.requireComputable(Cell.LSTM, Map.of("input_forget", 0));
  }
}
