package io.github.cudnn4j.data;

import io.github.cudnn4j.io.FileFailure;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Records of the lines of a file. */
final class FileOrigin<R> implements Records.Origin<R> {
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private final Path file;
  private final Function<String, ? extends @Nullable R> parse;

  FileOrigin(Path file, Function<String, ? extends @Nullable R> parse) {
    this.file = Objects.requireNonNull(file, "file");
    this.parse = Objects.requireNonNull(parse, "parse");
  }

  @Override
  public RecordReader<R> open(@Nullable RandomGenerator order, int window) throws IOException {
    return ShuffledReader.of(new Reader(Files.newBufferedReader(file)), order, window);
  }

  @Override
  public Map<String, Object> identity() throws IOException {
    return Map.of("bytes", Files.size(file));
  }

  private final class Reader implements RecordReader<R> {
    private final BufferedReader lines;
    private long number;

    Reader(BufferedReader lines) {
      this.lines = lines;
    }

    @Override
    public boolean read(Row<R> row) throws RecordException {
      R record;
      do {
        number++;
        try {
          String line = lines.readLine();
          if (line == null) {
            return false;
          }
          boolean marked = number == 1 && line.startsWith(BYTE_ORDER_MARK);
          record = parse.apply(marked ? line.substring(1) : line);
        } catch (IOException e) {
          throw RecordException.reading(number, FileFailure.of(file, e));
        } catch (RuntimeException e) {
          throw RecordException.reading(number, e);
        }
      } while (record == null);
      row.set(record, number);
      return true;
    }

    @Override
    public void close() throws IOException {
      lines.close();
    }
  }
}
