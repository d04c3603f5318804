package io.github.cudnn4j.host;

import io.github.cudnn4j.host.CudnnCase.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Cases of {@link Kind#CALL}: one of the functions about recurrent networks with every argument
 * right, but for a few. The numbers of a case are the values of the {@linkplain Field fields}.
 */
final class RnnCallCases {
  static final int SIZES = 0;
  static final int WEIGHT_SIZE = 1;
  static final int PARAMETERS = 2;
  static final int FORWARD = 3;
  static final int BACKWARD_DATA = 4;
  static final int BACKWARD_WEIGHTS = 5;

  /** What a case says, with a value that is right and others. */
  enum Field {
    CALL(0, 1, 2, 3, 4, 5),
    ALGORITHM(0, 1, 2, 3),
    CELL(2, 0, 1, 3),
    BIAS(2, 0, 1, 3),
    DIRECTION(0, 1),
    SKIP(0, 1),
    /** Of data and math: F/F, D/D, H/F, H/H, B/F. */
    TYPES(0, 1, 2, 3, 4),
    INPUT(5, 4),
    HIDDEN(4, 1, 192, 193, 384, 385, 1536, 1537, 2560, 2561),
    /** By how much less than the hidden size. */
    PROJECTION(0, 1),
    LAYERS(2, 1),
    PADDED(1, 0),
    LAYOUT(0, 1, 2),
    TIME(3, 1, 5),
    BATCH(2, 1, 3),
    /** All full, then descending, with a 0 at the end, ascending, all one too short, all 0. */
    LENGTHS(0, 1, 2, 3, 4, 5),
    /** NULL alone: a network that was never set may crash cuDNN. */
    HANDLE(0, 1),
    NETWORK(0, 1),
    /** NULL, never set, or another vector, time, batch, lengths, type, layout. */
    X(0, 1, 2, 3, 4, 5, 6, 7, 8),
    Y(0, 1, 2, 3, 4, 5, 6, 7, 8),
    /** NULL, never set, or as {@link RnnCallWitness} says. */
    H(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    C(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    /** A bit for each address that is NULL. */
    ABSENT(0),
    /** Sizes of spaces: as asked for, larger, a byte less, 0. */
    WEIGHTS(0, 1, 2, 3),
    WORK(0, 1, 2, 3),
    RESERVE(0, 1, 2, 3),
    MODE(1, 0, -1, 2),
    GRADIENT(0, 1, -1, 2),
    PSEUDO_LAYER(0, -1, 1, 2, 4),
    LINEAR_LAYER(0, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    /** Both NULL, or the descriptor alone. */
    MATRIX_OUT(0, 1, 2),
    BIAS_OUT(0, 1, 2);

    private final int right;
    private final int[] others;

    Field(int right, int... others) {
      this.right = right;
      this.others = others;
    }

    int of(CudnnCase question) {
      return question.arguments().get(ordinal()).intValue();
    }
  }

  /** The addresses that may be NULL, in the order of the bits. */
  enum Address {
    X,
    Y,
    DX,
    DY,
    HX,
    HY,
    DHX,
    DHY,
    CX,
    CY,
    DCX,
    DCY,
    WEIGHTS,
    WORK,
    RESERVE;

    boolean isAbsent(CudnnCase question) {
      return (Field.ABSENT.of(question) >> ordinal() & 1) != 0;
    }
  }

  /** Hidden units with which the calls that compute still take no time. */
  private static final int FEW = 385;

  private static final int STATES =
      ((1 << Address.WEIGHTS.ordinal()) - 1) & -(1 << Address.HX.ordinal());

  private RnnCallCases() {}

  /** Every call with every single deviation. */
  static List<CudnnCase> deviations() {
    var cases = new ArrayList<CudnnCase>();
    for (int call = SIZES; call <= BACKWARD_WEIGHTS; call++) {
      for (Field field : Field.values()) {
        for (int other : field == Field.CALL ? new int[] {call} : field.others) {
          int[] values = right(call);
          values[field.ordinal()] = other;
          cases.add(mended(values));
        }
      }
      for (Address address : Address.values()) {
        int[] values = right(call);
        values[Field.ABSENT.ordinal()] = 1 << address.ordinal();
        cases.add(mended(values));
      }
      for (Field states : new Field[] {Field.H, Field.C}) {
        for (int other : states.others) {
          int[] values = right(call);
          values[Field.ABSENT.ordinal()] = STATES;
          values[states.ordinal()] = other;
          cases.add(mended(values));
        }
      }
    }
    return cases.stream().distinct().toList();
  }

  /** Any network and sequences, with up to three deviations. */
  static CudnnCase random(Random random) {
    int[] values = right(random.nextInt(4) == 0 ? random.nextInt(FORWARD) : random.nextInt(3, 6));
    for (Field field : Field.values()) {
      boolean ofNetwork = field.compareTo(Field.ALGORITHM) >= 0;
      if (ofNetwork && field.compareTo(Field.LENGTHS) <= 0 && random.nextInt(5) < 2) {
        deviate(random, values, field);
      }
    }
    for (int changes = Math.max(0, random.nextInt(-1, 4)); changes > 0; changes--) {
      if (random.nextInt(4) == 0) {
        values[Field.ABSENT.ordinal()] |=
            random.nextInt(3) == 0
                ? STATES & random.nextInt(1 << Address.values().length)
                : 1 << random.nextInt(Address.values().length);
      } else {
        deviate(
            random, values, Field.values()[random.nextInt(Field.HANDLE.ordinal(), values.length)]);
      }
    }
    return mended(values);
  }

  private static int[] right(int call) {
    int[] values = Arrays.stream(Field.values()).mapToInt(field -> field.right).toArray();
    values[Field.CALL.ordinal()] = call;
    return values;
  }

  private static void deviate(Random random, int[] values, Field field) {
    if (field.others.length > 0) {
      values[field.ordinal()] = field.others[random.nextInt(field.others.length)];
    }
  }

  /**
   * Makes of a network one that cuDNN accepts, and of a computing call one that takes no time; what
   * has no meaning for the call goes back to the right value.
   */
  private static CudnnCase mended(int[] values) {
    boolean standard = values[Field.ALGORITHM.ordinal()] == 0;
    int types = values[Field.TYPES.ordinal()];
    if (!standard) {
      values[Field.BIAS.ordinal()] = Field.BIAS.right;
      values[Field.TYPES.ordinal()] = types == 1 || types == 3 ? Field.TYPES.right : types;
    }
    int hidden = values[Field.HIDDEN.ordinal()];
    if (values[Field.CALL.ordinal()] >= FORWARD) {
      hidden = Math.min(hidden, FEW);
      values[Field.HIDDEN.ordinal()] = hidden;
    }
    if (!standard || values[Field.CELL.ordinal()] != Field.CELL.right || hidden == 1) {
      values[Field.PROJECTION.ordinal()] = 0;
    }
    return new CudnnCase(Kind.CALL, Arrays.stream(values).mapToObj(i -> (Number) i).toList());
  }
}
