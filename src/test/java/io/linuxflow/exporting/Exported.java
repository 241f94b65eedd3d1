// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.IpfixException;
import io.linuxflow.ipfix.IpfixReader;
import io.linuxflow.ipfix.Message;
import io.linuxflow.ipfix.MessageWriter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** What comes out of an Exporting Process, as octets and as a Collecting Process reads it. */
final class Exported {

    private Exported() {}

    static byte[] octets(ExportingProcess process, FlowBatch batch, long now) {
        MessageWriter out = new MessageWriter();
        process.encode(batch, now, out);
        return out.toByteArray();
    }

    /** The Messages in the stream, cut apart by their Length fields alone. */
    static List<byte[]> datagrams(byte[] stream) {
        List<byte[]> datagrams = new ArrayList<>();
        ByteBuffer octets = ByteBuffer.wrap(stream);
        while (octets.hasRemaining()) {
            byte[] datagram = new byte[Short.toUnsignedInt(octets.getShort(octets.position() + 2))];
            octets.get(datagram);
            datagrams.add(datagram);
        }
        return datagrams;
    }

    static List<Message> messages(IpfixReader reader, byte[] stream) throws IpfixException {
        List<Message> messages = new ArrayList<>();
        ByteBuffer octets = ByteBuffer.wrap(stream);
        while (octets.hasRemaining()) {
            messages.add(reader.read("exporter", octets));
        }
        return messages;
    }

    static List<DataRecord> records(List<Message> messages) {
        return messages.stream().flatMap(message -> message.records().stream()).toList();
    }

    /** One batch through an Exporting Process of its own. */
    static List<DataRecord> records(String fields, FlowBatch batch) throws IpfixException {
        ExportOptions options =
                new ExportOptions(
                        FieldList.parse(fields),
                        ExportOptions.DEFAULT_MAX_MESSAGE_LENGTH,
                        ExportOptions.DEFAULT_TEMPLATE_REFRESH,
                        1);
        return records(
                messages(
                        new IpfixReader(),
                        octets(new ExportingProcess(options), batch, Flows.TIME / 1_000_000)));
    }
}
