// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.IpfixException;
import io.linuxflow.ipfix.IpfixReader;
import io.linuxflow.ipfix.Message;
import io.linuxflow.ipfix.MessageWriter;
import io.linuxflow.ipfix.TemplateStore;
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
        return records(fields, EnterpriseElements.NONE, batch);
    }

    /** Likewise, with elements of one's own; the reader knows them too. */
    static List<DataRecord> records(String fields, EnterpriseElements enterprise, FlowBatch batch)
            throws IpfixException {
        return records(
                messages(
                        new IpfixReader(enterprise.registry(), new TemplateStore()),
                        octets(process(fields, enterprise, 1400), batch, Flows.TIME / 1_000_000)));
    }

    static ExportingProcess process(
            String fields, EnterpriseElements enterprise, int maxMessageLength) {
        return new ExportingProcess(
                new ExportOptions(
                        FieldList.parse(fields, enterprise, TemplateIds.DEFAULT),
                        maxMessageLength,
                        ExportOptions.DEFAULT_TEMPLATE_REFRESH,
                        1));
    }
}
