import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;

/**
 * A table in the two structures of Arrow's C Data Interface, or one of its columns: numbers,
 * FLOAT32 or INT32, or sequences of them, without nulls.
 *
 * @see <a href="https://arrow.apache.org/docs/format/CDataInterface.html">the interface</a>
 */
final class Arrow implements AutoCloseable {
  private static final AddressLayout POINTER =
      ValueLayout.ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(Long.MAX_VALUE, JAVA_BYTE));

  private static final StructLayout SCHEMA =
      structLayout(
          POINTER.withName("format"),
          POINTER.withName("name"),
          POINTER.withName("metadata"),
          JAVA_LONG.withName("flags"),
          JAVA_LONG.withName("n_children"),
          POINTER.withName("children"),
          POINTER.withName("dictionary"),
          POINTER.withName("release"),
          JAVA_LONG.withName("private_data"));

  private static final StructLayout ARRAY =
      structLayout(
          JAVA_LONG.withName("length"),
          JAVA_LONG.withName("null_count"),
          JAVA_LONG.withName("offset"),
          JAVA_LONG.withName("n_buffers"),
          JAVA_LONG.withName("n_children"),
          POINTER.withName("buffers"),
          POINTER.withName("children"),
          POINTER.withName("dictionary"),
          POINTER.withName("release"),
          JAVA_LONG.withName("private_data"));

  private static final Linker LINKER = Linker.nativeLinker();
  private static final FunctionDescriptor RELEASE = FunctionDescriptor.ofVoid(ValueLayout.ADDRESS);
  private static final MethodHandle CALL_RELEASE = LINKER.downcallHandle(RELEASE);
  private static final MemorySegment RELEASE_SCHEMA = release("releaseSchema");
  private static final MemorySegment RELEASE_ARRAY = release("releaseArray");

  /** The memory of what was made here and not yet released, by the structures' private data. */
  private static final Map<Long, Arena> HELD = new ConcurrentHashMap<>();

  private static final AtomicLong NUMBER = new AtomicLong();

  private static final String TABLE = "+s";
  private static final String SEQUENCES = "+l";
  private static final Map<String, ValueLayout> NUMBERS = Map.of("f", JAVA_FLOAT, "i", JAVA_INT);

  private final MemorySegment schema;
  private final MemorySegment array;

  private Arrow(MemorySegment schema, MemorySegment array) {
    this.schema = schema;
    this.array = array;
  }

  /** Reads what another library exported, which closing this gives back. */
  static Arrow at(long schemaAddress, long arrayAddress) {
    return new Arrow(
        MemorySegment.ofAddress(schemaAddress).reinterpret(SCHEMA.byteSize()),
        MemorySegment.ofAddress(arrayAddress).reinterpret(ARRAY.byteSize()));
  }

  static Arrow of(String name, float[] values) {
    return make(name, "f", values.length, arena -> List.of(arena.allocateFrom(JAVA_FLOAT, values)));
  }

  static Arrow of(String name, int[] values) {
    return make(name, "i", values.length, arena -> List.of(arena.allocateFrom(JAVA_INT, values)));
  }

  static Arrow of(String name, float[][] sequences) {
    int[] ends = ends(sequences.length, row -> sequences[row].length);
    float[] values = new float[ends[sequences.length]];
    for (int row = 0; row < sequences.length; row++) {
      System.arraycopy(sequences[row], 0, values, ends[row], sequences[row].length);
    }
    return sequences(name, ends, of("item", values));
  }

  static Arrow of(String name, int[][] sequences) {
    int[] ends = ends(sequences.length, row -> sequences[row].length);
    int[] values = Arrays.stream(sequences).flatMapToInt(Arrays::stream).toArray();
    return sequences(name, ends, of("item", values));
  }

  private static int[] ends(int rows, IntUnaryOperator length) {
    int[] ends = new int[rows + 1];
    for (int row = 0; row < rows; row++) {
      ends[row + 1] = ends[row] + length.applyAsInt(row);
    }
    return ends;
  }

  private static Arrow sequences(String name, int[] ends, Arrow values) {
    return make(
        name, SEQUENCES, ends.length - 1, a -> List.of(a.allocateFrom(JAVA_INT, ends)), values);
  }

  /** A table of columns of as many rows; they are released with it. */
  static Arrow table(Arrow... columns) {
    return make("", TABLE, columns[0].length(), _ -> List.of(), columns);
  }

  private static Arrow make(
      String name,
      String format,
      long length,
      Function<Arena, List<MemorySegment>> contents,
      Arrow... children) {
    Arena arena = Arena.ofAuto();
    MemorySegment schema = arena.allocate(SCHEMA);
    MemorySegment array = arena.allocate(ARRAY);
    List<MemorySegment> buffers = contents.apply(arena);
    MemorySegment pointers = arena.allocate(POINTER, buffers.size() + 1); // null: no bits of nulls
    for (int i = 0; i < buffers.size(); i++) {
      pointers.setAtIndex(POINTER, i + 1, buffers.get(i));
    }
    set(schema, SCHEMA, "format", arena.allocateFrom(format));
    set(schema, SCHEMA, "name", arena.allocateFrom(name));
    set(schema, SCHEMA, "n_children", children.length);
    set(schema, SCHEMA, "children", list(arena, children, child -> child.schema));
    set(schema, SCHEMA, "release", RELEASE_SCHEMA);
    set(schema, SCHEMA, "private_data", hold(arena));
    set(array, ARRAY, "length", length);
    set(array, ARRAY, "n_buffers", buffers.size() + 1L);
    set(array, ARRAY, "n_children", children.length);
    set(array, ARRAY, "buffers", pointers);
    set(array, ARRAY, "children", list(arena, children, child -> child.array));
    set(array, ARRAY, "release", RELEASE_ARRAY);
    set(array, ARRAY, "private_data", hold(arena));
    return new Arrow(schema, array);
  }

  private static long hold(Arena arena) {
    long number = NUMBER.incrementAndGet();
    HELD.put(number, arena);
    return number;
  }

  private static MemorySegment list(
      Arena arena, Arrow[] children, Function<Arrow, MemorySegment> structure) {
    MemorySegment pointers = arena.allocate(POINTER, children.length);
    for (int i = 0; i < children.length; i++) {
      pointers.setAtIndex(POINTER, i, structure.apply(children[i]));
    }
    return pointers;
  }

  /** How many structures made here have not been released. */
  static int held() {
    return HELD.size();
  }

  long schemaAddress() {
    return schema.address();
  }

  long arrayAddress() {
    return array.address();
  }

  String name() {
    return pointer(schema, SCHEMA, "name").getString(0);
  }

  private String format() {
    return pointer(schema, SCHEMA, "format").getString(0);
  }

  /** The rows. */
  int length() {
    return Math.toIntExact(number(array, ARRAY, "length"));
  }

  Arrow column(String name) {
    require(TABLE);
    if (number(array, ARRAY, "offset") != 0) {
      throw new IllegalArgumentException("the table begins behind its columns' first row");
    }
    for (long i = 0; i < number(schema, SCHEMA, "n_children"); i++) {
      Arrow child = child(i);
      if (child.name().equals(name)) {
        return child;
      }
    }
    throw new IllegalArgumentException("there is no column " + name);
  }

  private Arrow child(long index) {
    return new Arrow(
        pointer(schema, SCHEMA, "children").getAtIndex(POINTER, index),
        pointer(array, ARRAY, "children").getAtIndex(POINTER, index));
  }

  /** The numbers of all rows, where they are; of sequences, of one after the other. */
  MemorySegment values() {
    if (format().equals(SEQUENCES)) {
      return child(0).values();
    }
    require("f", "i");
    long bytes = NUMBERS.get(format()).byteSize();
    long first = number(array, ARRAY, "offset") * bytes;
    return buffer(1).asSlice(first, length() * bytes);
  }

  /** The sequence of a row, where it is. */
  MemorySegment sequence(int row) {
    require(SEQUENCES);
    long at = number(array, ARRAY, "offset") + row;
    MemorySegment ends = buffer(1);
    long first = ends.getAtIndex(JAVA_INT, at);
    return child(0)
        .values()
        .asSlice(first * Float.BYTES, (ends.getAtIndex(JAVA_INT, at + 1) - first) * Float.BYTES);
  }

  float[] floats(int row) {
    MemorySegment sequence = sequence(row);
    float[] values = new float[(int) (sequence.byteSize() / Float.BYTES)];
    MemorySegment.copy(sequence, JAVA_FLOAT, 0, values, 0, values.length);
    return values;
  }

  int[] ints(int row) {
    MemorySegment sequence = sequence(row);
    int[] values = new int[(int) (sequence.byteSize() / Integer.BYTES)];
    MemorySegment.copy(sequence, JAVA_INT, 0, values, 0, values.length);
    return values;
  }

  private MemorySegment buffer(long index) {
    MemorySegment buffers = pointer(array, ARRAY, "buffers");
    if (buffers.get(POINTER, 0).address() != 0 && number(array, ARRAY, "null_count") != 0) {
      throw new IllegalArgumentException("column " + name() + " may have nulls");
    }
    return buffers.getAtIndex(POINTER, index);
  }

  private void require(String... formats) {
    if (!Arrays.asList(formats).contains(format())) {
      throw new IllegalArgumentException(
          "%s is of format %s, must be of %s"
              .formatted(name(), format(), String.join(" or ", formats)));
    }
  }

  private static long number(MemorySegment structure, StructLayout layout, String field) {
    return structure.get(JAVA_LONG, layout.byteOffset(groupElement(field)));
  }

  private static MemorySegment pointer(MemorySegment structure, StructLayout layout, String field) {
    return structure.get(POINTER, layout.byteOffset(groupElement(field)));
  }

  private static void set(MemorySegment structure, StructLayout layout, String field, long value) {
    structure.set(JAVA_LONG, layout.byteOffset(groupElement(field)), value);
  }

  private static void set(
      MemorySegment structure, StructLayout layout, String field, MemorySegment value) {
    structure.set(POINTER, layout.byteOffset(groupElement(field)), value);
  }

  private static MemorySegment release(String method) {
    try {
      MethodType type = MethodType.methodType(void.class, MemorySegment.class);
      return LINKER.upcallStub(
          MethodHandles.lookup().findStatic(Arrow.class, method, type), RELEASE, Arena.global());
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private static void releaseSchema(MemorySegment structure) {
    release(structure.reinterpret(SCHEMA.byteSize()), SCHEMA);
  }

  private static void releaseArray(MemorySegment structure) {
    release(structure.reinterpret(ARRAY.byteSize()), ARRAY);
  }

  /** Called by other libraries, from any thread, with the structure or where they moved it. */
  private static void release(MemorySegment structure, StructLayout layout) {
    MemorySegment children = pointer(structure, layout, "children");
    for (long i = 0; i < number(structure, layout, "n_children"); i++) {
      close(children.getAtIndex(POINTER, i), layout);
    }
    set(structure, layout, "release", MemorySegment.NULL);
    HELD.remove(number(structure, layout, "private_data"));
  }

  private static void close(MemorySegment structure, StructLayout layout) {
    MemorySegment release = pointer(structure, layout, "release");
    if (release.address() != 0) {
      try {
        CALL_RELEASE.invokeExact(release, structure);
      } catch (Throwable e) {
        throw new AssertionError("it returns nothing and throws nothing", e);
      }
    }
  }

  /** Releases a table, or a column that is in none, unless another library has taken it over. */
  @Override
  public void close() {
    close(array, ARRAY);
    close(schema, SCHEMA);
  }
}
