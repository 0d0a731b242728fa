internal import BittensorCore
internal import GRDB

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Neurons as rows of the registry file.
enum NeuronRow {
    private static let select = """
        SELECT n.uid, n.hotkey, n.coldkey, n.stake_rao, n.validator_permit, n.last_update,
            a.block AS a_block, a.version AS a_version, a.ip AS a_ip, a.port AS a_port,
            a.protocol AS a_protocol, a.placeholder1 AS a_placeholder1, a.placeholder2 AS a_placeholder2,
            a.certificate AS a_certificate,
            p.block AS p_block, p.version AS p_version, p.ip AS p_ip, p.port AS p_port
        FROM neuron n
        LEFT JOIN axon a ON a.netuid = n.netuid AND a.hotkey = n.hotkey
        LEFT JOIN prometheus p ON p.netuid = n.netuid AND p.hotkey = n.hotkey
        """

    /// All neurons of a subnet, by uid.
    static func fetchAll(_ database: Database, netuid: UInt16) throws -> [Neuron] {
        try Row.fetchAll(
            database, sql: self.select + " WHERE n.netuid = ? ORDER BY n.uid", arguments: [Int(netuid)]
        ).map(self.neuron)
    }

    /// One neuron.
    static func fetchOne(_ database: Database, netuid: UInt16, hotkey: String) throws -> Neuron? {
        try Row.fetchOne(
            database, sql: self.select + " WHERE n.netuid = ? AND n.hotkey = ?",
            arguments: [Int(netuid), hotkey]
        ).map(self.neuron)
    }

    /// Writes the axon of a registered hotkey.
    static func save(_ database: Database, _ record: AxonRecord, netuid: UInt16, hotkey: String) throws {
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO axon
                    (netuid, hotkey, block, version, ip, port, protocol, placeholder1, placeholder2,
                     certificate)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                Int(netuid), hotkey, Int64(clamping: record.block), Int64(record.version),
                record.ip.text, Int(record.port), Int(record.protocolNumber),
                Int(record.placeholder1), Int(record.placeholder2), record.certificate.map { Data($0) },
            ])
    }

    /// Writes the prometheus record of a registered hotkey.
    static func save(
        _ database: Database, _ record: PrometheusRecord, netuid: UInt16, hotkey: String
    ) throws {
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO prometheus (netuid, hotkey, block, version, ip, port)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                Int(netuid), hotkey, Int64(clamping: record.block), Int64(record.version),
                record.ip.text, Int(record.port),
            ])
    }

    private static func neuron(_ row: Row) throws -> Neuron {
        Neuron(
            uid: try self.number(row, "uid"), hotkey: row["hotkey"], coldkey: row["coldkey"],
            stakeRao: try self.number(row, "stake_rao"), isValidatorPermitted: row["validator_permit"],
            lastUpdate: try self.number(row, "last_update"), axon: try self.axon(row),
            prometheus: try self.prometheus(row))
    }

    private static func axon(_ row: Row) throws -> AxonRecord? {
        guard let text: String = row["a_ip"] else { return nil }
        let certificate: Data? = row["a_certificate"]
        return AxonRecord(
            block: try self.number(row, "a_block"), version: try self.number(row, "a_version"),
            ip: try self.address(text), port: try self.number(row, "a_port"),
            protocolNumber: try self.number(row, "a_protocol"),
            placeholder1: try self.number(row, "a_placeholder1"),
            placeholder2: try self.number(row, "a_placeholder2"), certificate: certificate.map { Array($0) })
    }

    private static func prometheus(_ row: Row) throws -> PrometheusRecord? {
        guard let text: String = row["p_ip"] else { return nil }
        return PrometheusRecord(
            block: try self.number(row, "p_block"), version: try self.number(row, "p_version"),
            ip: try self.address(text), port: try self.number(row, "p_port"))
    }

    /// A number of a column. GRDB traps when a value does not fit the type, so it is read as 64 bits.
    private static func number<Value: FixedWidthInteger>(_ row: Row, _ column: String) throws -> Value {
        guard let wide: Int64 = row[column], let value = Value(exactly: wide) else {
            throw ComputeError(.storage, "The column \(column) of the registry holds no fitting number.")
        }
        return value
    }

    private static func address(_ text: String) throws -> IPAddress {
        guard let address = IPAddress(text) else {
            throw ComputeError(.storage, "The registry holds \"\(text)\" in place of an address.")
        }
        return address
    }
}
