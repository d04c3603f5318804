package io.github.cudnn4j.host;

import io.github.cudnn4j.host.CudnnCase.Kind;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Cases of {@link Kind#FUNCTION}: a function about tensors, filters, dropout, softmax or the CTC
 * loss with every argument right, but for a few. The numbers of a case are that of the function,
 * the bits of the addresses that are NULL, and the values of the function's {@linkplain Field
 * fields}.
 */
final class FunctionCases {
  static final int NHWC = 1;
  static final int NCHW_VECT_C = 2;

  /** What a case says, with a value that is right and others. */
  enum Field {
    /** NULL alone. */
    HANDLE(0, 1),
    /** NULL, never set, or of dropout without states. */
    DESCRIPTOR(0, 1, 2, 3),
    FORMAT(0, 1, 2, -1, 3),
    TYPE(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -1),
    DIMS(4, -1, 0, 1, 2, 3, 5, 8, 9),
    N(2, 1, 0, -1, 65_536),
    C(3, 1, 0, -2, 32, 65_536),
    H(4, 1, 0, 65_536),
    W(5, 1, 0, -1, 65_536),
    N_STRIDE(60, 1, 0, -60, 1 << 30),
    C_STRIDE(20, 1, 0, 4),
    H_STRIDE(5, 1, 0),
    W_STRIDE(1, 60, 0, -1),
    /** As {@link FunctionWitness#tensor} says. */
    X(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    Y(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    DY(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    /** Whether the output is where the input is. */
    IN_PLACE(0, 1),
    /** Sizes of spaces: as asked for, larger, a byte less, 0. */
    SPACE(0, 1, 2, 3),
    /** One of the {@link FunctionWitness#PROBABILITIES}. */
    PROBABILITY(0, 1, 2, 3, 4, 5, 6),
    ALGORITHM(0, 1, 2, -1, 3),
    MODE(1, 0, -1, 2),
    COMPUTE_TYPE(0, 1, 2, 9, -1),
    NORMALIZATION(1, 0, -1, 2),
    OUT_OF_BOUNDS(0, 1, -1, 2),
    MOST_LABELS(3, 0, 1, 255, 256, -1),
    LABEL(1, 0, 2, -1, 9),
    LABEL_LENGTH(2, 0, 1, 4, 256, -1),
    INPUT_LENGTH(4, 0, 1, 5, -1);

    private final int right;
    private final int[] others;

    Field(int right, int... others) {
      this.right = right;
      this.others = others;
    }

    int of(CudnnCase question) {
      int index = Function.of(question).fields.indexOf(this);
      return index < 0 ? right : question.arguments().get(2 + index).intValue();
    }
  }

  /** The addresses that may be NULL, in the order of the bits. */
  enum Address {
    X,
    Y,
    DY,
    ALPHA,
    BETA,
    STATES,
    SPACE,
    LABELS,
    LABEL_LENGTHS,
    INPUT_LENGTHS,
    OUT;

    boolean isAbsent(CudnnCase question) {
      return (question.arguments().get(1).intValue() >> ordinal() & 1) != 0;
    }
  }

  /** What is called. */
  enum Function {
    TENSOR_ND_EX(
        Set.of(), Field.FORMAT, Field.TYPE, Field.DIMS, Field.N, Field.C, Field.H, Field.W),
    TENSOR_4D(Set.of(), Field.FORMAT, Field.TYPE, Field.N, Field.C, Field.H, Field.W),
    TENSOR_4D_EX(
        Set.of(),
        Field.TYPE,
        Field.N,
        Field.C,
        Field.H,
        Field.W,
        Field.N_STRIDE,
        Field.C_STRIDE,
        Field.H_STRIDE,
        Field.W_STRIDE),
    FILTER_ND(Set.of(), Field.FORMAT, Field.TYPE, Field.DIMS, Field.N, Field.C, Field.H, Field.W),
    FILTER_4D(Set.of(), Field.FORMAT, Field.TYPE, Field.N, Field.C, Field.H, Field.W),
    CTC_SET(Set.of(), Field.DESCRIPTOR, Field.COMPUTE_TYPE),
    CTC_SET_EX(
        Set.of(), Field.DESCRIPTOR, Field.COMPUTE_TYPE, Field.NORMALIZATION, Field.OUT_OF_BOUNDS),
    CTC_SET_V8(
        Set.of(),
        Field.DESCRIPTOR,
        Field.COMPUTE_TYPE,
        Field.NORMALIZATION,
        Field.OUT_OF_BOUNDS,
        Field.MOST_LABELS),
    DROPOUT_SET(
        Set.of(Address.STATES), Field.HANDLE, Field.DESCRIPTOR, Field.PROBABILITY, Field.SPACE),
    DROPOUT_RESTORE(
        Set.of(Address.STATES), Field.HANDLE, Field.DESCRIPTOR, Field.PROBABILITY, Field.SPACE),
    DROPOUT_RESERVE(Set.of(), Field.TYPE, Field.X),
    DROPOUT_FORWARD(
        Set.of(Address.X, Address.Y, Address.SPACE),
        Field.HANDLE,
        Field.DESCRIPTOR,
        Field.TYPE,
        Field.X,
        Field.Y,
        Field.IN_PLACE,
        Field.PROBABILITY,
        Field.SPACE),
    DROPOUT_BACKWARD(DROPOUT_FORWARD),
    SOFTMAX_FORWARD(
        Set.of(Address.X, Address.Y, Address.ALPHA, Address.BETA),
        Field.HANDLE,
        Field.ALGORITHM,
        Field.MODE,
        Field.TYPE,
        Field.X,
        Field.Y,
        Field.IN_PLACE),
    SOFTMAX_BACKWARD(
        Set.of(Address.X, Address.Y, Address.DY, Address.ALPHA, Address.BETA),
        Field.HANDLE,
        Field.ALGORITHM,
        Field.MODE,
        Field.TYPE,
        Field.X,
        Field.Y,
        Field.DY,
        Field.IN_PLACE),
    CTC_SIZE(
        Set.of(Address.LABELS, Address.LABEL_LENGTHS, Address.INPUT_LENGTHS, Address.OUT),
        Field.HANDLE,
        Field.DESCRIPTOR,
        Field.ALGORITHM,
        Field.TYPE,
        Field.X,
        Field.Y,
        Field.COMPUTE_TYPE,
        Field.NORMALIZATION,
        Field.OUT_OF_BOUNDS,
        Field.MOST_LABELS,
        Field.LABEL,
        Field.LABEL_LENGTH,
        Field.INPUT_LENGTH),
    CTC_SIZE_V8(
        Set.of(Address.OUT),
        Field.HANDLE,
        Field.DESCRIPTOR,
        Field.ALGORITHM,
        Field.TYPE,
        Field.X,
        Field.Y,
        Field.COMPUTE_TYPE,
        Field.NORMALIZATION,
        Field.OUT_OF_BOUNDS,
        Field.MOST_LABELS),
    CTC_LOSS(
        Set.of(
            Address.X,
            Address.Y,
            Address.LABELS,
            Address.LABEL_LENGTHS,
            Address.INPUT_LENGTHS,
            Address.OUT,
            Address.SPACE),
        Field.HANDLE,
        Field.DESCRIPTOR,
        Field.ALGORITHM,
        Field.TYPE,
        Field.X,
        Field.Y,
        Field.COMPUTE_TYPE,
        Field.NORMALIZATION,
        Field.OUT_OF_BOUNDS,
        Field.MOST_LABELS,
        Field.LABEL,
        Field.LABEL_LENGTH,
        Field.INPUT_LENGTH,
        Field.SPACE),
    CTC_LOSS_V8(CTC_LOSS);

    private final List<Address> addresses;
    private final List<Field> fields;

    Function(Set<Address> addresses, Field... fields) {
      this.addresses = addresses.stream().sorted().toList();
      this.fields = List.of(fields);
    }

    Function(Function same) {
      this.addresses = same.addresses;
      this.fields = same.fields;
    }

    static Function of(CudnnCase question) {
      return values()[question.arguments().getFirst().intValue()];
    }

    private CudnnCase with(int absent, Map<Field, Integer> deviations) {
      List<Number> numbers = new ArrayList<>(List.of(ordinal(), absent));
      fields.forEach(field -> numbers.add(deviations.getOrDefault(field, field.right)));
      return new CudnnCase(Kind.FUNCTION, List.copyOf(numbers));
    }
  }

  private FunctionCases() {}

  /** Every function with every single deviation. */
  static List<CudnnCase> deviations() {
    var cases = new ArrayList<CudnnCase>();
    for (Function function : Function.values()) {
      cases.add(function.with(0, Map.of()));
      for (Address address : function.addresses) {
        cases.add(function.with(1 << address.ordinal(), Map.of()));
      }
      for (Field field : function.fields) {
        for (int other : field.others) {
          cases.add(function.with(0, Map.of(field, other)));
        }
      }
    }
    return cases.stream().filter(question -> !hasNoAnswer(question)).toList();
  }

  /** Any function with up to four deviations. */
  static CudnnCase random(Random random) {
    return Stream.generate(() -> any(random))
        .filter(question -> !hasNoAnswer(question))
        .findFirst()
        .orElseThrow();
  }

  private static CudnnCase any(Random random) {
    Function function = Function.values()[random.nextInt(Function.values().length)];
    int absent = 0;
    Map<Field, Integer> deviations = new EnumMap<>(Field.class);
    for (int changes = random.nextInt(5); changes > 0; changes--) {
      if (random.nextInt(8) == 0 && !function.addresses.isEmpty()) {
        absent |= 1 << any(random, function.addresses).ordinal();
      } else {
        Field field = any(random, function.fields);
        deviations.put(field, field.others[random.nextInt(field.others.length)]);
      }
    }
    return function.with(absent, deviations);
  }

  /**
   * Whether cuDNN looks at a descriptor that was never set, or through a NULL, or at what happens
   * to be on its stack, as dropout of bytes does; and softmax of fewer than four dimensions, about
   * which a handle without a device says nothing.
   */
  private static boolean hasNoAnswer(CudnnCase question) {
    int type = Field.TYPE.of(question);
    int x = Field.X.of(question);
    int y = Field.Y.of(question);
    return switch (Function.of(question)) {
      case DROPOUT_FORWARD, DROPOUT_BACKWARD ->
          type < 0 || type > 9 || type == 3 || x == 1 || x == 2 || y == 1 || y == 2;
      case SOFTMAX_FORWARD, SOFTMAX_BACKWARD -> x == 7 && y == 7;
      case CTC_SIZE, CTC_SIZE_V8, CTC_LOSS, CTC_LOSS_V8 -> lacksObjects(question);
      default -> false;
    };
  }

  private static boolean lacksObjects(CudnnCase question) {
    Function function = Function.of(question);
    boolean loss = function == Function.CTC_LOSS || function == Function.CTC_LOSS_V8;
    boolean onHost = function == Function.CTC_SIZE || function == Function.CTC_LOSS;
    return Field.HANDLE.of(question) == 1
        || Field.DESCRIPTOR.of(question) == 1
        || Field.X.of(question) == 1
        || loss && Field.Y.of(question) == 1
        || !loss && Address.OUT.isAbsent(question)
        || function == Function.CTC_LOSS && Address.LABELS.isAbsent(question)
        || onHost && Address.LABEL_LENGTHS.isAbsent(question)
        || onHost && Address.INPUT_LENGTHS.isAbsent(question);
  }

  private static <T> T any(Random random, List<T> list) {
    return list.get(random.nextInt(list.size()));
  }
}
